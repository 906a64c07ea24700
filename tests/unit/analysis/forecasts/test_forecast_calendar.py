"""What a calendar knows: holidays and sales are foretold as such, and remembered as nothing else. Made data, weekends quiet."""

import numpy as np
import pytest

from reconciler.analysis.detectors.forecasts import Forecasts
from reconciler.analysis.forecasts.calendar import course, ordinary
from reconciler.analysis.forecasts.forecast import forecast
from reconciler.analysis.forecasts.history import DAY, History
from reconciler.model.occasions import Occasion
from reconciler.ports.detector import Window

STEP_S = 300


def load(days, special=(), factor=0.4, seed=5):
    """Day 0 is a Monday. Special days are `factor` of the usual day."""
    at = np.arange(days * DAY)
    day = at // DAY
    level = np.where(day % 7 >= 5, 0.4, 1.0)
    level[np.isin(day, special)] = factor
    return 100 * level * (1 + 0.4 * np.sin(at / DAY * 2 * np.pi)) * np.random.default_rng(seed).gamma(400, 1 / 400, len(at))


def span(day):
    """[from, until) in milliseconds of a history whose first step is at 0."""
    return (day * DAY * STEP_S * 1000, (day + 1) * DAY * STEP_S * 1000)


def missed(days, special, occasions, factor=0.4):
    values = load(days + 1, special, factor)
    found = forecast(History(values[: days * DAY], (days * DAY - 1) * STEP_S), occasions=occasions)
    truth = values[days * DAY :]
    inside = [np.mean((truth >= low) & (truth <= high)) for low, high in [found.steps.between(0.8)]]
    return float(np.mean(np.abs(found.steps.point - truth) / truth)), inside[0], found


def test_a_first_holiday_is_foretold_as_the_sundays_that_stand_in_for_it():
    wednesday = Occasion("holidays", (span(16),), like=(span(6), span(13)))
    plain, held, _ = missed(16, [16], ())
    better, holds, found = missed(16, [16], (wednesday,))
    assert (plain > 1.0, better < 0.1) == (True, True)
    assert (held < 0.1, holds > 0.8) == (True, True)
    assert found.method.endswith("and a calendar")
    assert np.allclose(found.hourly.quantiles[:, 3], found.steps.quantiles[:, 3].reshape(24, 12).mean(axis=1), rtol=0.1)


def test_a_second_one_is_foretold_as_the_first_at_the_level_of_today():
    sales = Occasion("sales", (span(9), span(17)))
    plain, _, _ = missed(17, [9, 17], (), factor=2.5)
    better, holds, _ = missed(17, [9, 17], (sales,), factor=2.5)
    assert (plain > 0.5, better < 0.1) == (True, True)
    assert holds > 0.8


@pytest.mark.parametrize("day", [15, 16, 17])
def test_a_day_after_a_holiday_is_foretold_as_if_there_had_been_none(day):
    holiday = Occasion("holidays", (span(day - 1),))
    plain, _, _ = missed(day, [day - 1], (), factor=0.2)
    better, _, _ = missed(day, [day - 1], (holiday,), factor=0.2)
    assert better < min(plain, 0.1)


def test_the_past_is_told_without_holidays_from_what_came_before_them():
    values = load(16, [8, 15], 0.2)
    told = ordinary(History(values, (16 * DAY - 1) * STEP_S), (Occasion("holidays", (span(8), span(15))),)).values
    assert np.array_equal(told[8 * DAY : 9 * DAY], values[DAY : 2 * DAY])
    assert np.array_equal(told[15 * DAY :], values[DAY : 2 * DAY])
    assert np.array_equal(told[: 8 * DAY], values[: 8 * DAY])


def test_a_calendar_that_says_nothing_of_these_days_changes_nothing():
    history = History(load(8), (8 * DAY - 1) * STEP_S)
    far = (Occasion("holidays", (span(40), span(-40)), like=(span(-3),)),)
    assert np.array_equal(forecast(history, occasions=far).steps.quantiles, forecast(history).steps.quantiles)


def test_a_kind_of_day_that_nobody_has_seen_and_none_stands_in_for_is_left_as_it_is():
    history = History(load(8), (8 * DAY - 1) * STEP_S)
    assert np.isnan(course(history, history, (Occasion("sales", (span(8),)),))).all()


def test_only_the_hours_of_an_occasion_are_its_own():
    hour = 12 * STEP_S * 1000
    evening = (span(8)[0] + 18 * hour, span(8)[0] + 22 * hour)
    history = History(load(8), (8 * DAY - 1) * STEP_S)
    known = ~np.isnan(course(history, history, (Occasion("sales", (evening,), like=((span(3)[0] + 18 * hour, span(3)[1]),)),)))
    assert known.sum() == 4 * 12
    assert known[18 * 12 : 22 * 12].all()


def test_a_series_of_nothing_stays_nothing():
    history = History(np.zeros(8 * DAY), (8 * DAY - 1) * STEP_S)
    found = forecast(history, occasions=(Occasion("holidays", (span(8),), like=(span(6),)),))
    assert np.array_equal(found.steps.point, np.zeros(DAY))


def test_the_detector_gives_each_component_the_days_that_are_its_own():
    values, day = load(16, [16]), Occasion("holidays", (span(16),), like=(span(6), span(13)), components=("cart",))
    at = np.arange(len(values)) * STEP_S * 1000
    samples = {(name, "request_rate"): (at, values) for name in ("cart", "user")}
    told = Forecasts().detect(Window(samples, (), int(at[-1]), occasions=(day,)))
    found = {one.component: dict(one.values) for one in told if one.kind == "forecast"}
    assert float(found["cart"]["24 h"]) < 0.6 * float(found["user"]["24 h"])
