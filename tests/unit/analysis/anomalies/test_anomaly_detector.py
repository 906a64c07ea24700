"""Anomalies of a series: what is odd is found, what is not known is said, and nothing looks ahead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.analysis.anomalies import anomalies

STEP_MS = 300_000
DAY = 288  # samples


def times(count):
    return np.arange(count, dtype=np.int64) * STEP_MS


def noise(count, seed=1):
    return np.random.default_rng(seed).normal(50, 5, count)


def daily(count, seed=1):
    phase = np.arange(count) % DAY / DAY * 2 * np.pi
    return 50 + 20 * np.sin(phase) + np.random.default_rng(seed).normal(0, 1, count)


def most_surprising(values):
    return int(np.nanargmax(anomalies(times(len(values)), values).surprise))


def test_a_spike_is_the_most_surprising_sample():
    values = noise(1_000)
    values[700] = 150
    assert most_surprising(values) == 700


def test_a_value_between_two_modes_is_novel_though_it_is_ordinary_on_average():
    values = np.where(np.random.default_rng(2).random(1_000) < 0.5, 10.0, 90.0) + noise(1_000) / 50
    values[800] = 50
    assert most_surprising(values) == 800


def test_a_level_that_moves_within_the_usual_range_is_seen_by_the_level():
    values = noise(1_500)
    values[1_000:] += 10
    found = anomalies(times(1_500), values)
    assert 1_000 <= int(np.nanargmax(found.evidence["level"])) < 1_050
    assert np.nanmax(found.evidence["novelty"][1_000:1_010]) < np.nanmax(found.evidence["novelty"])


@pytest.mark.parametrize("view", ["season", "discord"])
def test_a_missing_peak_of_the_day_is_seen_by_season_and_discord(view):
    values = daily(10 * DAY)
    at = 8 * DAY + DAY // 8
    values[at : at + DAY // 4] = 50
    found = anomalies(times(len(values)), values)
    assert at <= int(np.nanargmax(found.evidence[view])) < at + DAY // 4 + 48


def test_views_that_foretell_nothing_stay_silent():
    found = anomalies(times(3 * DAY), np.cumsum(noise(3 * DAY) - 50))
    assert np.nanmax(found.evidence["season"]) == 0


def test_one_anomaly_is_one_peak_and_its_severity_fades():
    values = noise(1_000)
    values[700:720] = 150
    found = anomalies(times(1_000), values)
    assert found.peak[700] == found.surprise[700]
    assert np.all(found.peak[701:720] == 0)
    assert found.severity[700] > found.severity[750] > found.severity[990] > 0


def test_a_new_level_becomes_ordinary():
    values = noise(4_000)
    values[1_000:] += 200
    found = anomalies(times(4_000), values)
    assert found.surprise[1_000] > 3
    assert np.nanmedian(found.surprise[3_000:]) < 1


@pytest.mark.parametrize("per_day", [0.2, 1.0])
def test_alarms_on_noise_come_about_as_often_as_was_asked(per_day):
    series = [noise(11 * DAY, seed) for seed in range(3)]
    raised = sum(anomalies(times(len(v)), v).alarms(per_day)[DAY:].sum() for v in series)
    assert 0.5 * per_day <= raised / (10 * len(series)) <= 2 * per_day


def test_a_true_anomaly_alarms_even_when_one_alarm_in_ten_days_is_asked():
    values = noise(5 * DAY)
    values[4 * DAY] = 500
    assert anomalies(times(len(values)), values).alarms(0.1)[4 * DAY]


def test_asking_for_no_alarms_per_day_is_refused():
    with pytest.raises(ValueError, match="more than 0 alarms"):
        anomalies(times(3), np.ones(3)).alarms(0)


@settings(max_examples=8)
@given(st.integers(160, 1_190), st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 3))
def test_a_later_sample_never_changes_an_earlier_answer(cut, later, seed):
    values = daily(1_200, seed)
    changed = np.concatenate([values[:cut], np.full(1_200 - cut, later)])
    whole, other, short = (anomalies(times(len(v)), v) for v in (values, changed, values[:cut]))
    for name in ("surprise", "peak", "severity", "every_days"):
        np.testing.assert_allclose(getattr(other, name)[:cut], getattr(whole, name)[:cut], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(getattr(short, name), getattr(whole, name)[:cut], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_unit_of_a_series_does_not_matter(scale):
    values = daily(1_000)
    plain, scaled = anomalies(times(1_000), values), anomalies(times(1_000), values * scale)
    np.testing.assert_allclose(scaled.surprise, plain.surprise, rtol=1e-3, atol=1e-6)
