"""Samples that cannot be judged are unknown, and teach nothing."""

import numpy as np
import pytest

from reconciler.analysis.anomalies import anomalies
from reconciler.analysis.anomalies.alarms import days_between
from reconciler.analysis.anomalies.samples import bounded

STEP_MS = 300_000


def times(count):
    return np.arange(count, dtype=np.int64) * STEP_MS


def noise(count):
    return np.random.default_rng(5).normal(50, 5, count)


@pytest.mark.parametrize("values", [[], [5.0], [np.nan] * 400, [np.inf] * 400, list(range(150))])
def test_a_series_with_too_little_to_learn_from_is_unknown_throughout(values):
    found = anomalies(times(len(values)), np.array(values, dtype=float))
    assert len(found.surprise) == len(values)
    assert np.isnan(found.surprise).all()
    assert np.isnan(found.every_days).all()
    assert not found.alarms(1).any()


@pytest.mark.parametrize("value", [0.0, -7.5, 1e300, 0.1])
def test_a_constant_series_is_never_surprising(value):
    found = anomalies(times(600), np.full(600, value))
    assert np.nanmax(found.surprise) == 0
    assert not found.alarms(10).any()


def test_the_first_change_of_a_constant_series_is_surprising():
    values = np.full(600, 5.0)
    values[400] = 5.1
    assert int(np.nanargmax(anomalies(times(600), values).surprise)) == 400


@pytest.mark.parametrize("odd", [1e300, -1e300, 1e-300])
def test_astronomic_values_are_surprising_and_do_not_swamp_what_follows(odd):
    values = noise(1_500)
    values[500] = odd
    values[1_200] = 120
    found = anomalies(times(1_500), values)
    assert np.isfinite(found.surprise[150:]).all()
    assert found.surprise[500] > 3
    assert found.surprise[1_200] > np.nanpercentile(found.surprise, 99)


def test_negative_values_are_judged_like_others():
    values = noise(800)
    values[600] = 150
    np.testing.assert_allclose(anomalies(times(800), -values).surprise, anomalies(times(800), values).surprise, rtol=1e-6)


def test_gaps_are_unknown_and_change_nothing_else():
    when, values = times(800), noise(800)
    holes = np.zeros(800, dtype=bool)
    holes[[200, 201, 555]] = True
    with_holes = np.where(holes, np.nan, values)
    found = anomalies(when, with_holes).surprise
    assert np.isnan(found[holes]).all()
    np.testing.assert_allclose(found[~holes], anomalies(when[~holes], values[~holes]).surprise)


def test_late_and_repeated_samples_are_unknown_and_change_nothing_else():
    when, values = times(800), noise(800)
    order = np.insert(np.arange(800), [300, 400], [100, 399])  # one comes late, one twice
    found = anomalies(when[order], values[order]).surprise
    assert np.isnan(found[[300, 401]]).all()
    np.testing.assert_allclose(np.delete(found, [300, 401]), anomalies(when, values).surprise)


def test_a_reversed_series_is_unknown_after_its_first_sample():
    assert np.isnan(anomalies(times(500)[::-1], noise(500)).surprise).all()


def test_irregular_times_are_judged():
    when = np.cumsum(np.random.default_rng(3).integers(1, 3_600_000, 800))
    values = noise(800)
    values[600] = 150
    assert int(np.nanargmax(anomalies(when, values).surprise)) == 600


def test_maintenance_is_passed_over_and_teaches_nothing():
    when, values = times(1_000), noise(1_000)
    values[400:420] = 150
    values[800] = 150
    window = np.zeros(1_000, dtype=bool)
    window[400:420] = True
    quiet, loud = anomalies(when, values, window), anomalies(when, values)
    assert np.isnan(quiet.surprise[400:420]).all()
    assert quiet.surprise[800] > loud.surprise[800]


def test_times_and_values_of_different_length_are_refused():
    with pytest.raises(ValueError, match="as many times as values"):
        anomalies(times(3), np.ones(4))


def test_a_value_out_of_proportion_is_cut_where_it_stands():
    assert bounded(np.array([1.0, 2.0, 1e200, 3.0])).tolist() == [1.0, 2.0, 2_002.0, 3.0]
    assert bounded(np.array([0.0, 0.0, 5.0])).tolist() == [0.0, 0.0, 5.0]


@pytest.mark.parametrize("later", [5e-324, 1e-308, 1e-100, -1e-100, 1e100, 1.7e308])
def test_the_smallest_and_the_largest_numbers_are_judged_without_overflow(later):
    values = np.concatenate([noise(160), np.full(400, later), noise(100)])
    assert np.isfinite(anomalies(times(660), values).surprise[150:]).all()
    assert np.isfinite(anomalies(times(400), np.where(np.arange(400) % 90, 0.0, later)).every_days[150:]).all()


def test_a_peak_beyond_all_measure_has_a_finite_rarity():
    peaks = np.array([2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 1e6])
    found = days_between(times(7), peaks)
    assert np.isfinite(found).all()
    assert int(np.argmax(found)) == 6
