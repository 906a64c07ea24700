"""What several components ask for together: a sum that is known whole or not at all, and parts that add up to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reconciler.analysis.forecasts.forecast import Forecast, forecast
from reconciler.analysis.forecasts.history import DAY, STEP_S, History, Unknown
from reconciler.analysis.forecasts.together import LATE, MIDDLE, Together, adds_up, meeting, reconciled, together

NOISE = np.random.default_rng(5)


def daily(level, days=8, shift=0, noise=0.05):
    at = np.arange(days * DAY) + shift
    return level * (1 + 0.4 * np.sin(at / DAY * 2 * np.pi) + noise * NOISE.standard_normal(len(at)))


def ending(values, late=0):
    return History(np.asarray(values, dtype=float), (1_000_000 - late) * STEP_S)


def added(**parts):
    found = together(parts)
    assert isinstance(found, Together)
    return found


def agreed(*levels):
    found = added(**{f"s{n}": ending(daily(level, shift=70 * n)) for n, level in enumerate(levels)})
    said = [forecast(found.whole), *(forecast(part) for part in found.parts.values())]
    assert all(isinstance(one, Forecast) for one in said)
    return said, reconciled(said[0], said[1:])


@pytest.mark.parametrize("unit", ["req/s", "1/s", "MiB", "MiB/s", "cores", "connections", "requests/min", "B"])
def test_amounts_and_rates_of_amounts_add_up(unit):
    assert adds_up(unit)


@pytest.mark.parametrize(
    "unit", ["", "1", "share", "%", "ms", "s", "score", "Cel", "tasks", "/s", "share/s", "req/req", "req/s/s"]
)
def test_nothing_else_does(unit):
    assert not adds_up(unit)


def test_the_sum_is_of_the_time_that_is_known_of_all_parts():
    old, young = np.arange(400.0), np.full(300, 1000.0)
    found = added(old=ending(old, late=3), young=ending(young))
    assert found.whole.end_s == ending(old, late=3).end_s
    assert np.array_equal(found.whole.values, old[-297:] + 1000)
    assert [len(part.values) for part in found.parts.values()] == [400, 297]


def test_a_sum_without_one_of_its_parts_is_unknown_and_says_which():
    found = together({"cart": ending(daily(5)), "search": Unknown("4 samples are numbers")})
    assert found == Unknown("of search: 4 samples are numbers")


def test_a_part_that_is_silent_makes_the_sum_unknown():
    assert isinstance(together({"a": ending(daily(5), late=LATE), "b": ending(daily(5))}), Together)
    found = together({"a": ending(daily(5), late=LATE + 1), "b": ending(daily(5))})
    assert found == Unknown("a was last measured 1.1 h before b")


def test_parts_that_were_hardly_ever_measured_together_are_unknown():
    assert isinstance(together({"a": ending(daily(5)), "b": ending(np.arange(12.0), late=1), "c": ending([1.0] * 12)}), Unknown)


def test_one_part_is_no_sum():
    assert isinstance(together({"a": ending(daily(5))}), Unknown)
    assert isinstance(together({}), Unknown)


def test_the_parts_of_a_forecast_add_up_to_the_whole():
    _, (whole, parts) = agreed(10, 200, 35)
    for kind in ("steps", "hourly"):
        points = sum(getattr(part, kind).point for part in parts)
        middles = sum(getattr(part, kind).quantiles[:, MIDDLE] for part in parts)
        assert np.allclose(points, getattr(whole, kind).point, rtol=1e-12)
        assert np.allclose(middles, getattr(whole, kind).quantiles[:, MIDDLE], rtol=1e-12)


def test_the_whole_meets_its_parts_half_way_and_keeps_the_width_of_its_band():
    (own, *apart), (whole, _) = agreed(10, 200, 35)
    half = (own.hourly.point + sum(part.hourly.point for part in apart)) / 2
    assert np.allclose(whole.hourly.point, half)
    assert np.allclose(np.ptp(whole.hourly.quantiles, axis=1), np.ptp(own.hourly.quantiles, axis=1))


def test_who_is_sure_moves_little():
    met = meeting(np.array([[130.0], [50.0], [50.0]]), np.array([[1.0], [9.0]]))
    assert met.ravel().tolist() == [115.0, 51.5, 63.5]


def test_a_part_stays_at_nothing_and_the_others_take_the_rest():
    met = meeting(np.array([[20.0], [1.0], [50.0], [49.0]]), np.array([[100.0], [1.0], [1.0]]))
    assert met.ravel().tolist() == [60.0, 0.0, 30.5, 29.5]


def test_parts_that_never_moved_share_alike():
    assert meeting(np.array([[14.0], [5.0], [5.0]]), np.zeros((2, 1))).ravel().tolist() == [12.0, 6.0, 6.0]


NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)


@settings(max_examples=150)
@given(
    st.integers(1, 6).flatmap(
        lambda n: st.tuples(arrays(float, (n + 1, 3), elements=NUMBERS), arrays(float, (n, 3), elements=st.floats(0, 1e24)))
    )
)
def test_whatever_is_said_the_parts_add_up_and_none_becomes_negative(drawn):
    said, unsure = drawn
    met = meeting(said, unsure)
    size = 1e-9 * max(1.0, float(np.abs(said).sum()))
    assert np.isfinite(met).all()
    assert np.allclose(met[1:].sum(axis=0), met[0], rtol=0, atol=size)
    assert np.allclose(met[0], (said[0] + said[1:].sum(axis=0)) / 2, rtol=0, atol=size)
    kept = (said[1:] >= 0) & (met[0] >= np.minimum(said[1:], 0).sum(axis=0) + size)
    assert (met[1:][kept] >= -size).all()


@pytest.mark.parametrize(
    "hostile", [np.zeros(5 * DAY), np.full(5 * DAY, 1e99), -daily(5, days=5), np.where(np.arange(5 * DAY) % 2, 1e-300, 0)]
)
def test_hostile_parts_have_a_finite_forecast_that_adds_up(hostile):
    found = added(bad=ending(hostile), good=ending(daily(5, days=5)))
    whole, parts = reconciled(forecast(found.whole), [forecast(part) for part in found.parts.values()])
    for band in (whole.steps, whole.hourly, *(part.steps for part in parts)):
        assert np.isfinite(band.point).all()
        assert np.isfinite(band.quantiles).all()
    scale = max(1.0, float(np.abs(hostile).max()))
    assert np.allclose(sum(part.hourly.point for part in parts), whole.hourly.point, rtol=0, atol=1e-9 * scale)
