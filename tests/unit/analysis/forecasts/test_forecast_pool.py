"""Forecasts by what was learnt of many series, and the odds of a breach."""

import numpy as np
import pytest

from reconciler.analysis.forecasts import pool as pools
from reconciler.analysis.forecasts.breach import Breach, breach, paths
from reconciler.analysis.forecasts.forecast import Band, Forecast, forecast, learnt
from reconciler.analysis.forecasts.history import DAY, History, Unknown
from reconciler.analysis.forecasts.slow import fitted, judged

SERIES = 5


def load(seed, days=13):
    rng = np.random.default_rng(seed)
    at = np.arange(days * DAY)
    shape = 1 + 0.4 * np.sin(at / DAY * 2 * np.pi + rng.uniform(0, 6))
    return rng.uniform(1, 1000) * shape * rng.lognormal(0, 0.1, len(at))


@pytest.fixture(scope="module")
def pool():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pools, "EVERY", 131)
        patched.setattr(pools, "POINT", pools.POINT | {"n_estimators": 15, "max_depth": 3, "learning_rate": 0.3})
        patched.setattr(pools, "QUANTILES", pools.QUANTILES | {"n_estimators": 15, "max_depth": 3, "learning_rate": 0.3})
        found = learnt([load(seed)[: 12 * DAY] for seed in range(SERIES)])
    assert found is not None
    return found


def flat(level=50.0, spread=5.0, days=30):
    """A forecast of one level with independent noise around it."""
    shares = np.array([-1.96, -1.28, -0.67, 0, 0.67, 1.28, 1.96])
    band = Band(np.full(DAY, level), np.tile(level + spread * shares, (DAY, 1)))
    templates = spread * np.random.default_rng(0).standard_normal((days, DAY))
    return Forecast(band, band, 0.0, 300.0, "test", templates)


def test_bands_of_a_pool_hold_on_the_next_day(pool):
    inside = []
    for seed in range(SERIES):
        found = forecast(History(load(seed)[: 12 * DAY], 0.0), pool)
        low, high = found.steps.between(0.8)
        inside.append(np.mean((load(seed)[12 * DAY :] >= low) & (load(seed)[12 * DAY :] <= high)))
    assert 0.72 <= np.mean(inside) <= 0.88


def test_the_point_of_a_pool_is_near_the_truth(pool):
    found = forecast(History(load(0)[: 12 * DAY], 0.0), pool)
    truth = load(0)[12 * DAY :].reshape(24, 12).mean(axis=1)
    assert np.mean(np.abs(found.hourly.point - truth) / truth) < 0.06
    assert found.method.startswith("boosting")


def test_learning_the_same_twice_is_the_same(monkeypatch):
    monkeypatch.setattr(pools, "POINT", pools.POINT | {"n_estimators": 10})
    monkeypatch.setattr(pools, "QUANTILES", pools.QUANTILES | {"n_estimators": 5})
    pasts = [load(seed)[: 6 * DAY] for seed in range(2)]
    first, second = (forecast(History(load(0)[: 6 * DAY], 0.0), learnt(pasts)) for _ in range(2))
    assert np.array_equal(first.steps.quantiles, second.steps.quantiles)


def test_held_days_are_in_no_window_that_is_learnt_from():
    values = np.arange(8.0 * DAY)
    held_from = (8 - pools.HELD_DAYS) * DAY
    for held, window in pools.windows([values], 12):
        if not held:
            newest = max(window.leads)
            end = _end_of(window, values)
            assert end + newest < held_from


def _end_of(window, values):
    """The origin, from the ratio of two truths of a series that counts its own steps."""
    a, b = window.truth[0], window.truth[-1]
    gap = window.leads[-1] - window.leads[0]
    return round(a * gap / (b - a) - window.leads[0])


def test_a_pool_of_series_that_are_too_young_is_none():
    assert learnt([load(0)[: 2 * DAY]]) is None
    assert learnt([]) is None


def test_a_constant_is_not_made_to_move_by_what_others_do(pool):
    found = forecast(History(np.full(9 * DAY, 4.0), 0.0), pool)
    assert (found.steps.quantiles == 4.0).all()


def test_a_limit_far_above_is_never_passed_and_one_below_always():
    assert breach(flat(), 500.0) == Breach(0.0, None, None, 30)
    sure = breach(flat(), 1.0)
    assert (sure.probability, sure.at_s) == (1.0, 300.0)


def test_falling_below_is_the_mirror_of_passing_above():
    assert breach(flat(), 1.0, above=False).probability == 0.0
    assert breach(flat(), 500.0, above=False).probability == 1.0


def test_a_longer_stay_beyond_is_less_likely_and_a_higher_limit_too():
    odds = [breach(flat(), 52.0, sustained=n).probability for n in (1, 3, 6, 12)]
    assert odds == sorted(odds, reverse=True)
    odds = [breach(flat(), limit, sustained=2).probability for limit in (50.0, 53.0, 56.0, 59.0)]
    assert odds == sorted(odds, reverse=True)


def test_a_rise_is_passed_when_it_crosses():
    rising = flat()
    ramp = np.linspace(0, 100, DAY)
    band = Band(ramp, ramp[:, None] + np.linspace(-1, 1, 7))
    found = breach(Forecast(band, band, 0.0, 300.0, "test", rising.templates), 50.0)
    assert found.probability == 1.0
    assert found.at_s == pytest.approx(DAY / 2 * 300, rel=0.03)
    assert found.soonest_s <= found.at_s


def test_paths_keep_the_order_of_past_days_and_the_forecasts_quantiles():
    found = flat()
    drawn = paths(found)
    assert np.array_equal(drawn[:, 5].argsort(), found.templates[:, 5].argsort())
    assert np.allclose(np.median(drawn, axis=0), 50.0, atol=0.5)


@pytest.mark.parametrize("asked", [{"limit": np.nan}, {"limit": 1.0, "sustained": 0}, {"limit": 1.0, "within": DAY + 1}])
def test_a_question_without_sense_is_unknown(asked):
    assert isinstance(breach(flat(), **asked), Unknown)


def test_few_past_days_give_no_odds():
    assert isinstance(breach(flat(days=3), 50.0), Unknown)
    assert breach(Unknown("no data"), 1.0) == Unknown("no data")


@pytest.mark.parametrize("name", ["ets", "theta", "sarima"])
def test_fitted_models_follow_a_daily_pattern(name):
    x = 50 + 10 * np.sin(np.arange(5 * 24) / 24 * 2 * np.pi) + np.random.default_rng(0).normal(0, 0.1, 5 * 24)
    said = fitted(name, x[:-24])
    assert np.abs(said - x[-24:]).max() < 2


def test_fitted_models_say_nothing_of_a_constant_and_are_judged_on_the_past():
    assert fitted("ets", np.full(200, 3.0)) is None
    assert judged(np.full(200, 3.0), ("theta",)) == {}
    x = 50 + 10 * np.sin(np.arange(8 * 24) / 24 * 2 * np.pi)
    assert judged(x, ("theta",), origins=2)["theta"] < 0.05
