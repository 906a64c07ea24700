"""Alarms: few, and never more than the bound."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.failures.alarms import CALM, DAY_MS, openings, threshold

MINUTE = 60_000


def ends(count):
    return (1 + np.arange(count, dtype=np.int64)) * MINUTE


def test_one_alarm_opens_for_a_chance_that_stays_high():
    chances = np.array([0.1] * 20 + [0.9] * 40)
    assert openings(ends(60), chances, 0.5, 4) == [20]


def test_a_chance_that_rises_slowly_opens_an_alarm_when_it_gets_there():
    assert openings(ends(101), np.linspace(0, 1, 101), 0.5, 4) == [50]


def test_a_chance_that_flickers_around_the_threshold_opens_one_alarm():
    chances = np.array([0.1] * 20 + [0.6, 0.4] * 30)
    assert openings(ends(80), chances, 0.5, 4) == [20]


def test_after_calm_another_alarm_opens():
    chances = np.array([0.9] * 5 + [0.1] * CALM + [0.9] * 5)
    assert openings(ends(len(chances)), chances, 0.5, 4) == [0, 5 + CALM]


def test_unknown_rows_open_nothing_and_calm_nothing():
    chances = np.array([np.nan] * 5 + [0.9] * 5 + [np.nan] * 60 + [0.9] * 5)
    assert openings(ends(len(chances)), chances, 0.5, 4) == [5]


def test_the_threshold_is_the_lowest_from_which_alarms_are_right_often_enough():
    runs, true = np.array([0, 1, 2, 3]), np.array([True, True, True, False])
    chances = np.array([0.9, 0.8, 0.7, 0.6])
    assert threshold(runs, chances, true, 0.8) == 0.61
    assert threshold(runs, chances, true, 0.7) == 0.2
    assert threshold(runs, chances, ~true, 0.8) == 1.0
    assert threshold(runs[:0], chances[:0], true[:0], 0.8) == 1.0


def test_a_run_that_hovers_for_long_counts_as_one_false_alarm():
    runs = np.array([0, 1, 2, 3] + [4] * 50)
    assert threshold(runs, np.full(54, 0.5), runs < 4, 0.8) == 0.2


def test_an_alarm_long_before_the_breach_is_false_though_later_rows_are_right():
    runs, chances = np.array([0, 0, 0]), np.array([0.5, 0.7, 0.9])
    assert threshold(runs, chances, np.array([False, True, True]), 0.8) == 0.51


@given(st.lists(st.floats(0, 1), max_size=200), st.integers(0, 3), st.integers(1, 200))
def test_no_day_sees_more_alarms_than_the_bound(chances, per_day, step):
    stamps = ends(len(chances)) * step
    opened = openings(stamps, np.array(chances), 0.3, per_day)
    for row in opened:
        assert sum(0 <= stamps[row] - stamps[r] < DAY_MS for r in opened) <= per_day
