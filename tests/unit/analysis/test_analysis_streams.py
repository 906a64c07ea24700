"""Streams of one metric as its present value: temporality, resets, late and repeated points, churn."""

from __future__ import annotations

import math

import pytest

from reconciler.analysis.streams import FORGET_MS, Point, Streams

MINUTE = 60_000
BEGAN = 1_000_000


def total(at: int, value: float, start: int = 0) -> Point:
    return Point(BEGAN + at * MINUTE, start, (value,))


def test_totals_are_increases_a_second():
    streams = Streams(BEGAN)
    assert not streams.add("a", total(1, 600.0))
    assert streams.add("a", total(2, 1_200.0))
    assert streams.value(BEGAN + 2 * MINUTE) == 10.0


def test_the_first_total_counts_when_its_process_began_after_us_or_its_sender_was_heard_without_it():
    streams = Streams(BEGAN)
    assert streams.add("young", total(1, 60.0, start=BEGAN))
    assert streams.value(BEGAN + MINUTE) == 1.0
    streams.heard("pod", BEGAN + MINUTE)
    assert streams.add("errors", total(2, 120.0, start=1), "pod")
    assert streams.value(BEGAN + 2 * MINUTE) == 1.0 + 2.0


@pytest.mark.parametrize("start", [0, BEGAN + MINUTE + 30_000])
def test_a_total_that_falls_or_begins_anew_shows_what_came_since(start: int):
    streams = Streams(BEGAN)
    streams.add("a", total(1, 6_000.0))
    streams.add("a", total(2, 30.0, start))
    assert streams.value(BEGAN + 2 * MINUTE) == pytest.approx(0.5 if start == 0 else 1.0)


def test_deltas_are_divided_by_their_own_time():
    streams = Streams(BEGAN)
    assert streams.add("a", Point(BEGAN + MINUTE, BEGAN + 30_000, (60.0,), delta=True))
    assert streams.value(BEGAN + MINUTE) == 2.0


def test_late_and_repeated_points_change_nothing():
    streams = Streams(BEGAN)
    for point in (total(1, 0.0), total(3, 120.0)):
        streams.add("a", point)
    assert not streams.add("a", total(3, 999.0))
    assert not streams.add("a", total(2, 999.0))
    assert streams.value(BEGAN + 3 * MINUTE) == 1.0


def test_instances_are_put_together_and_one_that_is_silent_is_gone():
    streams = Streams(BEGAN)
    for name, at, value in (("a", 1, 1.0), ("b", 1, 3.0), ("a", 2, 5.0)):
        streams.add(name, Point(BEGAN + at * MINUTE, 0, (value,), growing=False))
    now = BEGAN + 2 * MINUTE
    assert [streams.value(now, how) for how in ("sum", "mean", "max", "min")] == [8.0, 4.0, 5.0, 3.0]
    assert streams.value(now + 2 * MINUTE) == 5.0
    assert streams.value(now + 9 * MINUTE) is None


def test_histograms_grow_bucket_by_bucket_and_other_buckets_are_not_a_burst():
    streams = Streams(BEGAN)
    low, high = (0.0, 1.0), (1.0, 2.0)
    streams.add("a", Point(BEGAN + MINUTE, 0, (60.0,), (low,)))
    streams.add("a", Point(BEGAN + 2 * MINUTE, 0, (120.0, 60.0), (low, high)))
    assert sorted(streams.pieces(BEGAN + 2 * MINUTE) or ()) == [(0.0, 1.0, 1.0), (1.0, 2.0, 1.0)]
    assert not streams.add("a", Point(BEGAN + 3 * MINUTE, 0, (240.0,), ((0.0, 2.0),)))
    assert streams.pieces(BEGAN + 3 * MINUTE) is None


def test_labels_that_change_all_the_time_cannot_fill_the_memory():
    streams = Streams(BEGAN, most=10)
    for n in range(1_000):
        streams.add(n, Point(BEGAN + n, 0, (1.0,), growing=False))
    assert len(streams) == 10
    assert 999 in streams
    assert streams.forget(BEGAN + FORGET_MS + 10 * MINUTE) == 0


@pytest.mark.parametrize("combine", ["sum", "mean"])
@pytest.mark.parametrize("values", [(1.7e308, 1.7e308), (math.inf, -math.inf)])
def test_levels_that_add_up_to_no_number_are_none(combine: str, values: tuple[float, float]):
    streams = Streams(BEGAN)
    for name, value in zip("ab", values, strict=True):
        streams.add(name, Point(BEGAN, 0, (value,), growing=False))
    assert math.isnan(streams.value(BEGAN, combine) or 0.0)


def test_a_stream_whose_clock_jumped_is_forgotten_like_any_other():
    streams = Streams(BEGAN)
    for at in (1, BEGAN):
        streams.add("a", Point(at, 0, (1.0,), growing=False))
    streams.add("a", Point(BEGAN * 1_000, 0, (1.0,), growing=False))
    assert streams.forget(BEGAN * 1_000 + 4 * FORGET_MS) == 0


def test_senders_with_a_name_of_their_own_each_time_do_not_fill_the_memory():
    streams = Streams(BEGAN, most=2)
    for number in range(50):
        streams.heard(number, BEGAN)
    streams.add("known", total(2, 120.0, start=1), 49)
    streams.add("pushed out", total(2, 120.0, start=1), 0)
    assert streams.value(BEGAN + 2 * MINUTE) == 1.0
