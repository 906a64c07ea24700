"""Forecasts without a pool: mixtures of methods that a series' own past chose."""

import numpy as np
import pytest

from reconciler.analysis.forecasts.choice import _unseen, chosen, weights_of
from reconciler.analysis.forecasts.forecast import Forecast, beyond, forecast
from reconciler.analysis.forecasts.history import DAY, History, Unknown
from reconciler.analysis.forecasts.methods import low_median, stable
from reconciler.analysis.forecasts.pool import SHARES

NOISE = np.random.default_rng(3)


def daily(days, noise=0.0, level=50.0):
    at = np.arange(days * DAY)
    return level * (1 + 0.5 * np.sin(at / DAY * 2 * np.pi)) + noise * NOISE.standard_normal(len(at))


def made(values):
    found = forecast(History(np.asarray(values, dtype=float), 0.0))
    assert isinstance(found, Forecast)
    return found


def test_a_daily_pattern_is_repeated():
    found = made(daily(9))
    assert np.allclose(found.steps.point, daily(1), rtol=0.03)
    assert np.allclose(found.hourly.point, daily(1).reshape(24, 12).mean(axis=1), rtol=0.03)


def test_the_chosen_method_is_the_one_that_fits_the_series():
    assert "week" in " ".join(chosen(np.tile(np.repeat([1.0, 9, 2, 8, 3, 7, 4], DAY), 4), 1).best)


def test_a_later_sample_changes_no_earlier_answer():
    values = daily(8, noise=2.0)
    longer = np.concatenate([values, np.full(DAY, 1e6)])
    assert np.array_equal(made(values).steps.point, made(longer[: len(values)]).steps.point)


def test_methods_see_only_what_ends_at_the_origin():
    values = daily(8, noise=2.0)
    alone = stable(values, 12, np.arange(DAY))
    view = stable(np.concatenate([values, [1e6]])[:-1], 12, np.arange(DAY))
    assert all(np.array_equal(alone[name], view[name]) for name in alone)


def test_validation_never_reads_past_its_origin(monkeypatch):
    seen = []
    real = stable
    monkeypatch.setattr("reconciler.analysis.forecasts.choice.stable", lambda x, *a: seen.append(len(x)) or real(x, *a))
    chosen(daily(6), 12)
    assert max(seen) == 5 * DAY


def test_the_low_median_has_the_smallest_percentage_error_of_all_constants():
    values = NOISE.lognormal(0, 1, 301)
    error = [np.mean(np.abs(values - c) / values) for c in values]
    assert low_median(values, 1e-9) == values[int(np.argmin(error))]
    assert low_median(values, 1e-9) < np.median(values)


def test_weights_go_to_the_methods_that_erred_least_and_add_up():
    weights = weights_of({"good": 0.1, "fair": 0.2, "bad": 9.0})
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["good"] > 10 * weights["fair"] > 100 * weights["bad"]


def test_the_band_without_a_pool_holds_on_noise():
    values = 100 + 10 * np.random.default_rng(5).standard_normal(15 * DAY)
    low, high = made(values[: 14 * DAY]).steps.between(0.8)
    inside = np.mean((values[14 * DAY :] >= low) & (values[14 * DAY :] <= high))
    assert 0.72 <= inside <= 0.88


def test_a_band_without_a_pool_is_made_of_misses_that_the_choice_did_not_see():
    errors = np.array([[0.0, 1.0, 1.0], [0.2, 0.2, 0.2]])
    said = {"lucky": np.array([[1.0], [1.0], [1.0]]), "steady": np.array([[5.0], [5.0], [5.0]])}
    assert _unseen(errors, said, 0) == pytest.approx(5.0, abs=0.02)
    assert _unseen(errors, said, 1) == pytest.approx(4.9, abs=0.01)
    assert _unseen(errors[:, :1], said, 0) == pytest.approx(1.0)  # the only origin has no other


def test_a_few_misses_stand_for_more_than_they_showed():
    assert beyond(1_000_000) == pytest.approx(SHARES, abs=1e-5)
    assert (beyond(24)[1], beyond(24)[3], beyond(24)[5]) == pytest.approx((0.0833, 0.5, 0.9167), abs=1e-4)
    assert (beyond(3)[0], beyond(3)[-1]) == (0, 1)


def test_bands_without_a_pool_hold_better_on_levels_that_nobody_can_foretell():
    """Leads miss together. The 95 % band held 59 % of these when it was made of the misses that the choice was made by."""
    inside = []
    for seed in range(20):
        some = np.random.default_rng(seed)
        values = daily(22) + np.repeat(some.normal(50, 10, 22), DAY) + 2 * some.standard_normal(22 * DAY)
        low, high = made(values[:-DAY]).steps.between(0.95)
        inside.append(np.mean((values[-DAY:] >= low) & (values[-DAY:] <= high)))
    assert np.mean(inside) > 0.75


@pytest.mark.parametrize("days", [0.25, 1, 2.5, 3, 40])
def test_any_length_has_a_finite_answer_of_ordered_quantiles(days):
    found = made(daily(40, noise=1.0)[: int(days * DAY)])
    for band, leads in ((found.steps, DAY), (found.hourly, 24)):
        assert band.point.shape == (leads,)
        assert band.quantiles.shape == (leads, len(SHARES))
        assert np.isfinite(band.point).all()
        assert (np.diff(band.quantiles, axis=1) >= 0).all()


@pytest.mark.parametrize("level", [0.0, 7.0, -3.0, 1e99])
@pytest.mark.parametrize("days", [1, 9])
def test_a_constant_stays_what_it_is_with_no_width(level, days):
    found = made(np.full(days * DAY, level))
    assert np.allclose(found.steps.point, level)
    assert np.allclose(found.steps.quantiles, level)


def test_a_negative_series_is_forecast_as_its_mirror():
    values = daily(9, noise=1.0)
    assert np.allclose(made(-values).hourly.point.mean(), -made(values).hourly.point.mean(), rtol=0.05)


def test_a_series_of_zeros_with_bursts_has_a_finite_answer():
    values = np.zeros(9 * DAY)
    values[::97] = 5e8
    found = made(values)
    assert np.isfinite(found.steps.quantiles).all()
    assert found.steps.quantiles.max() > 0


def test_the_unknown_stays_unknown():
    assert forecast(Unknown("no samples")) == Unknown("no samples")
