"""From findings to what a person reads and sees: readable, bounded, harmless, the same every time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from reconciler.analysis.detectors import examine, explain
from reconciler.analysis.detectors.causes import Causes
from reconciler.analysis.detectors.drawing import thinned
from reconciler.analysis.detectors.levels import Levels
from reconciler.analysis.detectors.reach import critical, falls, way
from reconciler.model.canonical import decode, encode, plain
from reconciler.model.drawings import MOST_POINTS, MarkKind, Role
from reconciler.model.explanations import Explanation, shares_in_words
from reconciler.ports.detector import Change
from reconciler.testing.check_detector import END_MS, bad_windows, system, times, window

CALLS = (("front", "back"), ("back", "disk"))
RELEASE = Change("back", END_MS - 420_000, "release", "c0ffee")
WINDOW = window(system(), calls=CALLS, symptom="front", changes=(RELEASE,))


@pytest.fixture(scope="module")
def told():
    return explain(WINDOW, examine(WINDOW, [Causes(), Levels(series=1)]))


def test_the_summary_names_the_cause_how_often_that_is_right_and_the_change_before_it(told):
    assert told.summary.startswith("back is the likeliest cause for the trouble of front: ")
    assert "times in 10" in told.summary
    assert "release of back (commit c0ffee)" in told.summary


def test_the_chain_goes_from_the_change_over_the_cause_to_the_symptom(told):
    assert [step.split(" ")[0] for step in told.chain] == ["release", "back", "front"]
    assert told.chain[2].startswith("front calls back and waits for it: latency_p99")


def test_it_says_who_falls_what_would_confirm_it_and_what_would_refute_it(told):
    assert told.falls == ("front",)
    assert any("undoing what was done to back" in text for text in told.confirm)
    assert any("nothing is measured of disk" in text for text in told.refute)


def test_the_metric_that_moves_with_what_users_see_matters_most(told):
    assert told.health[0][0] == "back"
    assert float(told.health[0][2]) > 0.3


def test_the_metrics_of_the_cause_stand_in_the_order_of_their_share(told):
    shares = [float(share) for _, share in told.metrics]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0)
    assert shares_in_words(told)[0] == f"{told.metrics[0][0]}: {shares[0]:.0%} of the evidence"


def test_the_drawings_show_the_cause_with_its_mark_and_what_was_usual(told):
    first = told.drawings.plots[0]
    assert (first.component, first.band_means) == ("back", "nine tenths of the normal period")
    assert {MarkKind.ALARM, MarkKind.MADE} <= {mark.kind for mark in first.marks}
    assert {node.name: node.role for node in told.drawings.graph.nodes} == {
        "back": Role.CAUSE, "front": Role.SYMPTOM, "disk": Role.WELL,
    }  # fmt: skip
    at = [event.at_ms for event in told.drawings.timeline]
    assert at == sorted(at)
    assert {"made", "alarm"} <= {event.kind for event in told.drawings.timeline}


def test_it_survives_its_record_and_is_the_same_every_time(told):
    assert decode(Explanation, plain(told)) == told
    assert encode(explain(WINDOW, examine(WINDOW, [Causes(), Levels(series=1)]))) == encode(told)


def test_without_a_cause_it_says_that_it_is_unknown_and_why():
    quiet = {key: (at, np.random.default_rng(1).gamma(100, 0.01, len(at))) for key, (at, _) in system().items()}
    calm = window(quiet, calls=CALLS, symptom="front")
    told = explain(calm, examine(calm, [Causes()]))
    assert told.summary.startswith("The cause is unknown for the trouble of front: ")
    assert (told.cause, told.confidence, told.falls, told.chain) == ("", "0", (), ())


@pytest.mark.parametrize("alarm", [True, False])
def test_no_bad_window_breaks_it(alarm):
    for name, bad in bad_windows(alarm=alarm, samples=40, series=100):
        told = explain(bad, examine(bad, [Causes()]))
        assert told.summary, name
        assert decode(Explanation, plain(told)) == told


def test_a_thinned_curve_keeps_its_spike_and_its_ends():
    at, values = times(5_000), np.zeros(5_000)
    values[2_345] = 9.0
    points = thinned(at, values)
    assert len(points) <= MOST_POINTS
    assert "9" in {value for _, value in points}
    assert (points[0][0], points[-1][0]) == (at[0], at[-1])


def test_a_release_of_somebody_else_is_not_drawn_beside_the_cause():
    other = dataclasses.replace(WINDOW, changes=(dataclasses.replace(RELEASE, component="elsewhere"),))
    told = explain(other, examine(other, [Causes()]))
    assert MarkKind.MADE not in {mark.kind for mark in told.drawings.plots[0].marks}


RING = (("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"))


def test_who_calls_it_near_or_far_falls_with_it_in_a_ring_too():
    assert falls(RING, "d") == ("a", "b", "c")
    assert falls(RING, "nobody") == ()


def test_the_way_is_the_shortest_and_none_where_nobody_calls():
    assert way(RING, "a", "d") == ("a", "b", "c", "d")
    assert way(RING, "d", "a") == ()


def test_the_critical_path_goes_where_own_times_add_up_to_most():
    calls = (("front", "fast"), ("front", "slow"), ("slow", "disk"), ("fast", "cache"))
    assert critical(calls, {"front": 1, "fast": 5, "slow": 3, "disk": 4, "cache": 1}) == [(("front", "slow", "disk"), 8.0)]


def test_a_ring_is_passed_once_at_its_slowest_member():
    assert critical(RING, {"a": 1, "b": 2, "c": 5, "d": 1}) == [(("a", "c", "d"), 7.0)]
