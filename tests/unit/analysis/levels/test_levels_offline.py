"""Changes in hindsight: found, placed and sized on series whose changes are known; silent where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.analysis.levels import changes
from reconciler.analysis.levels.committee import COMMITTEE
from reconciler.analysis.levels.evidence import Stretch
from reconciler.analysis.levels.pelt import divide
from reconciler.analysis.levels.prepare import period, without_season


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(0, 1, n)


def remembering(n, autocorrelation, seed=0):
    found = noise(n, seed)
    for i in range(1, n):
        found[i] += autocorrelation * found[i - 1]
    return found


def test_a_step_is_found_with_time_size_and_confidence():
    values = noise(200) + np.where(np.arange(200) < 120, 10.0, 15.0)
    (change,) = changes(values, times=np.arange(200) * 15.0 + 1_000).changes
    assert abs(change.index - 120) <= 1
    assert change.time == 1_000 + 15 * change.index
    assert change.before[0] == pytest.approx(10, abs=0.5)
    assert change.size[0] == pytest.approx(5, abs=0.7)
    assert change.confidence == 1


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_change(seed):
    assert changes(noise(150, seed)).changes == ()


@pytest.mark.parametrize("seed", range(3))
def test_noise_that_remembers_has_no_change(seed):
    assert changes(remembering(150, 0.5, seed)).changes == ()


def test_a_steady_climb_is_no_staircase():
    assert changes(np.arange(150) * 0.1 + noise(150) * 0.5).changes == ()


def test_a_season_is_no_change():
    assert changes(5 * np.sin(np.arange(240) * 2 * np.pi / 24) + noise(240) * 0.3).changes == ()


def test_a_long_season_is_no_change_either():
    assert changes(5 * np.sin(np.arange(240) * 2 * np.pi / 48) + noise(240) * 0.1).changes == ()
    assert without_season(5 * np.sin(np.arange(240) * 2 * np.pi / 48)).std() < 1


def test_a_step_under_a_season_is_found():
    season = 5 * np.sin(np.arange(240) * 2 * np.pi / 24)
    found = changes(season + noise(240) * 0.3 + np.where(np.arange(240) < 150, 0.0, 6.0)).changes
    assert [abs(c.index - 150) <= 3 for c in found] == [True]


def test_the_shortest_period_is_found():
    assert period(np.sin(np.arange(240) * 2 * np.pi / 12)) == 12
    assert period(noise(240)) == 0


def test_single_spikes_are_no_changes_and_hide_none():
    values = noise(200) + np.where(np.arange(200) < 100, 0.0, 6.0)
    values[[40, 79, 160]] += 1e4
    assert [abs(c.index - 100) <= 1 for c in changes(values).changes] == [True]


def test_another_spread_is_a_change():
    values = noise(200) * np.where(np.arange(200) < 100, 1.0, 6.0)
    assert [abs(c.index - 100) <= 10 for c in changes(values).changes] == [True]


def test_columns_change_together():
    both = np.column_stack([noise(200), noise(200, 1)]) + np.where(np.arange(200) < 90, 0.0, 3.0)[:, None]
    (change,) = changes(both).changes
    assert abs(change.index - 90) <= 1
    assert len(change.size) == 2


def test_a_change_of_a_long_series_is_placed_exactly():
    values = noise(6_000) * 0.2 + np.where(np.arange(6_000) < 4_003, 0.0, 3.0)
    (change,) = changes(values).changes
    assert abs(change.index - 4_003) <= 1


@pytest.mark.parametrize("values", [[], [1.0], [np.nan] * 50, [1, 2, 3, 4, 5, 6, 7, 8, 9]])
def test_too_few_samples_are_unknown(values):
    assert not changes(np.array(values, dtype=float)).known


@pytest.mark.parametrize("level", [0.0, 0.1, -3.0, 1e308, 5e-324])
def test_a_constant_never_changes(level):
    found = changes(np.full(100, level))
    assert found.known
    assert found.changes == ()


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1e9, 7e307, -7e307])
def test_the_unit_does_not_matter(unit):
    values = noise(100) * 0.1 + np.where(np.arange(100) < 60, 1.0, 2.0)
    assert [c.index for c in changes(values * unit).changes] == [c.index for c in changes(values).changes]


def test_order_duplicates_and_gaps_do_not_matter():
    times = np.arange(200.0)
    values = noise(200) + np.where(times < 120, 0.0, 8.0)
    mixed = np.random.default_rng(3).permutation(np.concatenate((np.arange(200), np.arange(200))))
    clock = np.append(times[mixed], [300.0, np.nan])
    shuffled = np.append(values[mixed], [np.nan, 9.0])
    assert changes(shuffled, clock) == changes(values, times)


def test_of_two_samples_at_one_time_the_last_counts():
    values = np.concatenate((noise(100), noise(100, 1) + 50))
    assert changes(values, np.tile(np.arange(100.0), 2)).changes == ()


def test_values_without_a_time_each_are_refused():
    with pytest.raises(ValueError, match="one time for each value"):
        changes(np.zeros(20), np.zeros(19))


@settings(max_examples=12)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_any_numbers_get_an_answer(values):
    found = changes(np.array(values))
    assert all(0 < c.index < found.samples and 0.5 < c.confidence <= 1 for c in found.changes)


@pytest.mark.parametrize("member", COMMITTEE[::5])
def test_dropping_starts_never_changes_the_division(member):
    values = remembering(150, 0.5) + np.repeat([0.0, 3.0, -2.0], 50)
    cost = Stretch(values / values.std(), member).cost
    exact = divide(cost, 150, 5.0, 5, slack=np.inf)
    assert divide(cost, 150, 5.0, 5, slack=15.0) == exact
