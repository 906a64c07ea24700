"""Samples to a regular series, or why not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.forecasts.history import DAY, LARGEST, History, Unknown, regular

TIMES = np.arange(3 * DAY) * 300.0
LOAD = 50 + 10 * np.sin(TIMES / 86_400 * 2 * np.pi)


def known(times, values):
    found = regular(times, values)
    assert isinstance(found, History)
    return found


@pytest.mark.parametrize(
    ("times", "values", "why"),
    [
        (np.array([]), np.array([]), "0 samples"),
        (np.array([0.0]), np.array([1.0]), "1 samples"),
        (TIMES, np.full(len(TIMES), np.nan), "0 samples"),
        (TIMES, np.full(len(TIMES), 10 * LARGEST), "0 samples"),
        (TIMES, LOAD[:-1], "give one time a value"),
        (TIMES[:12] * 1e-3, LOAD[:12], "1 steps"),
    ],
)
def test_what_is_no_series_is_unknown_with_the_reason(times, values, why):
    found = regular(times, values)
    assert isinstance(found, Unknown)
    assert why in found.reason


def test_a_day_that_was_mostly_not_measured_is_unknown():
    values = LOAD.copy()
    values[-DAY:-10] = np.nan
    found = regular(TIMES, values)
    assert isinstance(found, Unknown)
    assert "of the last day was measured" in found.reason


def test_reordered_and_doubled_samples_are_the_same_series():
    order = np.random.default_rng(0).permutation(len(TIMES))
    mixed = known(np.concatenate([TIMES[order], TIMES[:50]]), np.concatenate([LOAD[order], LOAD[:50]]))
    assert np.allclose(mixed.values, LOAD)


def test_a_gap_is_what_the_day_before_was_and_never_zero():
    values = LOAD.copy()
    values[-40:-20] = np.nan
    found = known(TIMES, values)
    assert found.filled == 20
    assert np.allclose(found.values[-40:-20], LOAD[-40 - DAY : -20 - DAY])


def test_a_gap_in_the_first_day_is_a_line_between_its_ends():
    found = known(np.delete(TIMES, slice(10, 20)), np.delete(np.arange(3.0 * DAY), slice(10, 20)))
    assert np.allclose(found.values[10:20], np.arange(10, 20))


def test_irregular_samples_fall_on_the_nearest_step():
    jitter = np.random.default_rng(1).uniform(-100, 100, len(TIMES))
    jitter[-1] = 0
    assert np.allclose(known(TIMES + jitter, LOAD).values, LOAD)


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True)), max_size=60
    )
)
def test_any_samples_give_finite_values_or_a_reason(samples):
    times, values = (np.array([s[i] for s in samples], dtype=float) for i in (0, 1))
    found = regular(times, values)
    assert found.reason if isinstance(found, Unknown) else np.isfinite(found.values).all()
