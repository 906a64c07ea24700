"""Whatever is measured: an answer or silence, never an error, and one bad series does not hide the others."""

from __future__ import annotations

import numpy as np
import pytest

from reconciler.analysis.attention import Attention, Settings

START, EVERY = 1_000_000_000, 15_000
ODD = {
    "constant": [5.0] * 60,
    "zero": [0.0] * 60,
    "all NaN": [np.nan] * 60,
    "infinite": [np.inf, -np.inf] * 30,
    "one point": [1.0] + [np.nan] * 59,
    "astronomical": [1e308, -1e308] * 30,
    "tiny": [5e-324, 0.0] * 30,
    "negative": [-float(n % 7) for n in range(60)],
    "counter": [1e15 + n for n in range(60)],
}


def _run(values: list[float], after: float = np.nan) -> list[str]:
    """Notices of a site whose first series is odd, while its neighbour goes up at the end."""
    attention = Attention()
    rows = attention.enlist([("a", "odd"), ("b", "plain")])
    random = np.random.default_rng(3)
    for place, odd in enumerate([*values, after]):
        now = START + place * EVERY
        plain = 100 + 2 * random.standard_normal() + (80 if place == len(values) else 0)
        look = attention.look(now, rows, np.full(2, now), np.array([odd, plain]))
    return [n.component for n in look.notices]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_series_is_no_error_and_hides_nobody(name: str):
    assert "b" in _run(ODD[name])


@pytest.mark.parametrize("name", ["constant", "zero", "counter", "negative"])
def test_a_series_that_goes_on_as_it_was_is_not_noticed(name: str):
    assert _run(ODD[name], ODD[name][-1]) == ["b"]


def test_a_constant_series_that_moves_is_noticed():
    assert "a" in _run([5.0] * 60, 6.0)


def test_nothing_is_said_of_a_few_samples():
    assert "a" not in _run([np.nan] * 55 + [1.0] * 5, 1_000.0)


def test_late_doubled_and_future_samples_change_nothing():
    def after(more) -> object:
        attention = Attention()
        rows = attention.enlist([("a", "m"), ("b", "m")])
        random = np.random.default_rng(3)
        for place in range(40):
            now = START + place * EVERY
            attention.look(now, rows, np.full(2, now), random.standard_normal(2))
            more(attention, rows, now)
        now += EVERY
        return attention.look(now, rows, np.full(2, now), np.array([9.0, 0.0])).notices[0].component

    plain = after(lambda *_: None)
    assert plain == "a"
    assert plain == after(lambda attention, rows, now: attention._histories.note(rows, np.full(2, now), np.full(2, 99.0), now))
    assert plain == after(
        lambda attention, rows, now: attention._histories.note(rows, np.full(2, now + 10**9), np.full(2, 99.0), now)
    )
    assert plain == after(
        lambda attention, rows, now: attention._histories.note(rows, np.full(2, now - 10**6), np.full(2, 99.0), now)
    )


def test_of_two_samples_of_one_series_the_newest_counts():
    attention = Attention()
    (row,) = attention.enlist([("a", "m")])
    attention.look(START, np.array([row, row]), np.array([START, START - EVERY]), np.array([2.0, 1.0]))
    assert attention._histories.value[row] == 2.0
    assert attention._histories.count[row] == 1


def test_no_more_series_are_begun_than_there_may_be_and_names_have_an_end():
    attention = Attention(Settings(series=2))
    rows = attention.enlist([("a", "x"), ("", "x"), ("b", "y" * 500), ("b", "x"), ("c", "x")])
    assert list(rows) == [0, -1, -1, 1, -1]
    assert attention.refused == 3
    assert attention.look(START, rows, np.full(5, START), np.ones(5)).notices == ()


def test_an_empty_memory_looks_at_nothing():
    empty = np.empty(0, np.int64)
    assert Attention().look(START, empty, empty, np.empty(0)).notices == ()


def test_series_may_come_at_any_time():
    attention = Attention()
    for number in range(30):
        rows = attention.enlist([(f"s{n}", "m") for n in range(number + 1)])
        now = START + number * EVERY
        look = attention.look(now, rows, np.full(len(rows), now), np.ones(len(rows)))
    assert look.seen == 23


def test_a_hundred_thousand_series_are_looked_at():
    attention = Attention()
    rows = attention.enlist([(f"s{n // 100}", f"m{n % 100}") for n in range(100_000)])
    values = np.full(100_000, np.nan)
    values[::2] = 1.0
    for place in range(9):
        now = START + place * EVERY
        look = attention.look(now, rows, np.full(100_000, now), values)
    assert (look.seen, look.notices) == (50_000, ())


@pytest.mark.parametrize(("after", "noticed"), [(6.0, False), (4.0, False), (12.0, True)])
def test_one_more_than_usual_is_no_news_among_whole_numbers(after: float, noticed: bool):
    counts = [6.0 if n % 11 == 3 else 5.0 for n in range(60)]
    assert ("a" in _run(counts, after)) is noticed
