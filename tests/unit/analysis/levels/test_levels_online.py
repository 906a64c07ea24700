"""Changes as they happen: soon, once, and never because of what came later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.analysis.levels import Watch
from reconciler.analysis.levels.online import LENGTHS


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(0, 1, n)


def watched(values):
    watch = Watch()
    return [alarm for v in values if (alarm := watch.sample(float(v)))]


def test_a_step_is_told_once_and_soon():
    (alarm,) = watched(noise(300) + np.where(np.arange(300) < 150, 20.0, 28.0))
    assert abs(alarm.index - 150) <= 2
    assert alarm.told - alarm.index <= 10
    assert alarm.before == pytest.approx(20, abs=1)
    assert alarm.after == pytest.approx(28, abs=1)
    assert 0.5 < alarm.confidence <= 1


@pytest.mark.parametrize("seed", range(8))
def test_noise_raises_no_alarm(seed):
    assert watched(noise(400, seed)) == []


def test_what_comes_later_changes_no_earlier_answer():
    values = noise(300) + np.repeat([0.0, 6.0, -3.0], 100)
    whole = watched(values)
    assert len(whole) >= 2
    for end in (130, 210, 260):
        assert watched(values[:end]) == [a for a in whole if a.told < end]


def test_the_memory_is_bounded():
    watch = Watch()
    for v in noise(3 * LENGTHS):
        watch.sample(float(v))
    assert len(watch._began) == LENGTHS


def test_a_change_after_a_long_quiet_is_told():
    values = noise(1_500) + np.where(np.arange(1_500) < 1_400, 0.0, 6.0)
    assert [abs(a.index - 1_400) <= 2 for a in watched(values)] == [True]


@pytest.mark.parametrize("values", [[], [1.0], [np.nan] * 50, [3.0] * 50, [1e308] * 50])
def test_without_a_unit_it_says_that_it_does_not_know(values):
    watch = Watch()
    assert not any(watch.sample(v) for v in values)
    assert not watch.known


def test_a_constant_that_moves_at_last_is_told_once():
    assert [a.index for a in watched([5.0] * 100 + [5.1, 4.9] * 30)] == [100]


@settings(max_examples=40)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=80))
def test_any_numbers_get_an_answer(values):
    assert all(a.index < a.told and 0.5 < a.confidence <= 1.0000001 for a in watched(values))
