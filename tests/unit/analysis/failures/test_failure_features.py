"""Panels, trends and features: what they say of known shapes, of bad input, and never of the future."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reconciler.analysis.failures.features import FARTHEST, features
from reconciler.analysis.failures.panel import CARRY, panel
from reconciler.analysis.failures.trends import WARM_UP, trends

MINUTE = 60_000
NAN = np.nan


def times(count):
    return (1 + np.arange(count, dtype=np.int64)) * MINUTE


def column(*values):
    return np.array(values, dtype=float)[:, None]


def of(values, sensor="memory"):
    series = np.asarray(values, float)
    return features(panel(times(len(series)), {sensor: series if series.ndim == 2 else series[:, None]}))


def last(found, name):
    return float(found.rows[-1, found.names.index(name)])


def noisy(level, seed=0):
    return level + np.random.default_rng(seed).normal(0, 0.005, len(level))


def test_a_minute_is_the_mean_of_its_samples_in_whatever_order_they_came():
    stamps = np.array([30_000, 90_000, 60_000, 120_000], dtype=np.int64)
    found = panel(stamps, {"memory": column(1, 5, 3, 7)})
    assert list(found.ends_ms) == [MINUTE, 2 * MINUTE]
    assert found.columns["memory"][:, 0].tolist() == [2, 6]


def test_duplicated_samples_change_nothing():
    stamps, values = times(20), np.linspace(0, 1, 20)[:, None]
    twice = panel(np.concatenate([stamps, stamps]), {"memory": np.concatenate([values, values])})
    assert np.allclose(twice.columns["memory"], panel(stamps, {"memory": values}).columns["memory"])


def test_a_short_gap_keeps_the_last_value_and_a_long_one_is_unknown():
    values = column(*[0.4] * 10, *[NAN] * (CARRY + 2), 0.5)
    held = panel(times(len(values)), {"memory": values}).columns["memory"][:, 0]
    assert held[9 + CARRY] == 0.4
    assert np.isnan(held[10 + CARRY])
    assert held[-1] == 0.5


def test_infinite_and_absurd_values_are_gaps():
    held = panel(times(3), {"memory": column(0.4, np.inf, 1e300)}).columns["memory"][:, 0]
    assert held.tolist() == [0.4, 0.4, 0.4]


def test_a_wrong_timestamp_is_refused_instead_of_filling_the_memory():
    with pytest.raises(ValueError, match="wrong timestamp"):
        panel(np.array([0, 10**15], dtype=np.int64), {"memory": column(1, 2)})


def test_a_sensor_of_the_wrong_shape_is_refused_with_its_shape():
    with pytest.raises(ValueError, match="samples by components"):
        panel(times(3), {"memory": np.zeros(3)})


def test_a_line_has_its_slope_over_every_span_and_no_departure():
    found = trends(0.3 + 0.01 * np.arange(200))
    for name in ("slope 5", "slope 20", "slope 90", "since", "before"):
        assert found[name][-1] == pytest.approx(0.01)
    assert found["departure 6"][-1] == pytest.approx(0, abs=1e-9)


def test_a_bend_tells_when_growth_began_and_how_far_it_came():
    found = trends(np.concatenate([np.full(150, 0.4), 0.4 + 0.01 * np.arange(1, 21)]))
    assert (found["age"][-1], found["rise"][-1]) == (20, pytest.approx(0.2))
    assert (found["before"][-1], found["since"][-1]) == (pytest.approx(0, abs=1e-9), pytest.approx(0.01))


def test_growth_that_stopped_departs_downwards_from_its_line():
    found = trends(np.concatenate([0.4 + 0.01 * np.arange(60), np.full(6, 1.0)]))
    assert found["departure 6"][-1] < -0.02
    assert found["slope 5"][-1] == pytest.approx(0)


def test_minutes_to_the_limit_follow_the_pace():
    found = of(noisy(np.concatenate([np.full(60, 0.4), 0.4 + 0.01 * np.arange(30)])))
    assert last(found, "memory: minutes slope 20") == pytest.approx(31, rel=0.1)
    assert last(of(noisy(np.full(90, 0.4))), "memory: minutes slope 20") > 100
    assert last(of(np.full(90, 0.4)), "memory: minutes slope 20") == FARTHEST


def test_shrinking_capacity_under_the_same_load_is_read_by_the_reciprocal():
    share = 0.5 / (1 - np.arange(40) / 100)
    found = of(share, "utilisation")
    assert last(found, "utilisation: minutes slope 10, shrinking") == pytest.approx(11, abs=1.5)


def test_a_service_speaks_through_the_component_that_is_nearest_to_its_limit():
    calm, growing = noisy(np.full(80, 0.6)), noisy(0.3 + 0.006 * np.arange(80), 1)
    found = of(np.stack([calm, growing, calm], axis=1))
    assert found.worst["memory"][-1] == 1
    swapped = of(np.stack([growing, calm, calm], axis=1))
    assert np.allclose(found.rows[WARM_UP:], swapped.rows[WARM_UP:], equal_nan=True)


def test_unbounded_sensors_do_not_depend_on_their_unit():
    load = 200 * np.exp(noisy(0.002 * np.arange(120)))
    one, thousand = of(load, "load"), of(1_000 * load, "load")
    assert np.allclose(one.rows, thousand.rows, rtol=1e-3, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("values", [[], [0.5], [NAN] * 30, [NAN] * 29 + [0.5]])
def test_nothing_measured_is_unknown(values):
    found = of(np.asarray(values, float))
    assert not found.known.any()
    assert len(found.rows) == len(values)


@pytest.mark.parametrize("value", [0.0, 0.5, -3.0, 1e14, -1e14])
def test_constant_series_of_any_size_give_finite_features(value):
    found = of(np.full(100, value))
    assert found.known[WARM_UP:].all()
    mine = [i for i, name in enumerate(found.names) if name.startswith("memory")]
    assert np.isfinite(found.rows[WARM_UP:][:, mine]).all()


def test_a_service_without_any_bounded_sensor_is_unknown():
    assert not of(np.full(60, 300.0), "load").known.any()


def test_a_sensor_without_components_is_a_sensor_that_was_not_measured():
    assert not of(np.empty((40, 0))).known.any()


def test_the_warm_up_is_unknown():
    assert of(np.full(20, 0.4)).known.tolist() == [False] * (WARM_UP - 1) + [True] * (21 - WARM_UP)


def test_a_gap_in_one_component_leaves_the_others_to_speak():
    both = np.stack([np.full(60, 0.4), np.full(60, 0.5)], axis=1)
    both[30:, 0] = NAN
    found = of(both)
    assert found.known[-1]
    assert found.worst["memory"][-1] == 1


@settings(max_examples=25)
@given(
    values=arrays(float, (60, 2), elements=st.floats(0, 2) | st.sampled_from([NAN, np.inf, -1e20])),
    at=st.integers(WARM_UP, 58),
)
def test_later_samples_never_change_an_earlier_row(values, at):
    whole = features(panel(times(60), {"memory": values, "load": 100 * values}))
    cut = features(panel(times(at), {"memory": values[:at], "load": 100 * values[:at]}))
    assert np.array_equal(whole.known[:at], cut.known)
    rows = cut.known
    assert np.allclose(whole.rows[:at][rows], cut.rows[rows], rtol=1e-4, atol=1e-4, equal_nan=True)
