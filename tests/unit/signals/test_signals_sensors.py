"""Sensors: trouble has to last, missing data is a third answer, and each change is told once."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from reconciler.documents.sensor import Sensor
from reconciler.errors import Retryable
from reconciler.model.signals import Severity, SignalStatus
from reconciler.signals import SensorState, evaluate
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 1_000_000
REST = SensorState()


def _sensor(name: str = "slow", **spec) -> Sensor:
    rule = {"metric": "latency_p99", "above": 800, **spec}
    if "below" in spec:
        del rule["above"]
    return Sensor.model_validate({"apiVersion": "homeostat/v1", "kind": "Sensor", "metadata": {"name": name}, "spec": rule})


def _telemetry(values: list[float], step: int = 5_000, metric: str = "latency_p99", until: int = NOW) -> MemoryTelemetry:
    telemetry = MemoryTelemetry(calls=[("cart", "checkout")])
    first = until - step * (len(values) - 1)
    telemetry.put("checkout", metric, [(first + step * place, value) for place, value in enumerate(values)])
    return telemetry


def _status(evaluation) -> list[SignalStatus]:
    return [signal.status for signal in evaluation.signals]


def test_trouble_that_lasts_fires_once():
    telemetry = _telemetry([900.0] * 12)
    first = evaluate([_sensor()], telemetry, REST, NOW)
    again = evaluate([_sensor()], telemetry, first.state, NOW)
    assert (_status(first), _status(again)) == ([SignalStatus.FIRING], [])


def test_a_signal_says_what_the_sensor_read():
    (signal,) = evaluate([_sensor(severity="critical", unit="ms")], _telemetry([900.0] * 12), REST, NOW).signals
    assert (signal.source, signal.component, signal.fingerprint) == ("sensor/slow", "checkout", "slow/checkout")
    assert (signal.metric, signal.value, signal.severity) == ("latency_p99", "900", Severity.CRITICAL)
    assert signal.started_ms <= NOW - 30_000


@pytest.mark.parametrize(
    "values",
    [[900.0] * 6, [900.0] * 9 + [700.0] + [900.0] * 3, [100.0] * 12, [800.0] * 12],
    ids=["too short", "interrupted", "calm", "exactly the bound"],
)
def test_what_does_not_last_does_not_fire(values: list[float]):
    assert not evaluate([_sensor()], _telemetry(values), REST, NOW).signals


def test_a_gap_within_the_duration_is_not_trouble_that_lasts():
    telemetry = _telemetry([900.0] * 12)
    telemetry.forget("checkout", "latency_p99")
    telemetry.put("checkout", "latency_p99", [(NOW - 40_000, 900.0), (NOW, 900.0)])
    assert not evaluate([_sensor()], telemetry, REST, NOW).signals


def test_trouble_that_was_last_seen_too_long_ago_is_missing_data():
    assert not evaluate([_sensor()], _telemetry([900.0] * 5, until=NOW - 20_001), REST, NOW).signals
    assert evaluate([_sensor()], _telemetry([900.0] * 5, until=NOW - 20_000), REST, NOW).signals


def test_without_a_duration_one_sample_is_believed():
    assert _status(evaluate([_sensor(forMs=0)], _telemetry([900.0]), REST, NOW)) == [SignalStatus.FIRING]


def test_the_end_of_trouble_is_told_once_with_the_same_start():
    fired = evaluate([_sensor()], _telemetry([900.0] * 12), REST, NOW)
    calm = evaluate([_sensor()], _telemetry([100.0], until=NOW + 5_000), fired.state, NOW + 5_000)
    assert _status(calm) == [SignalStatus.RESOLVED]
    assert calm.signals[0].started_ms == fired.signals[0].started_ms
    assert calm.state == REST


def test_below_looks_the_other_way():
    sensor = _sensor(metric="replicas_ready", below=2, forMs=0)
    assert _status(evaluate([sensor], _telemetry([1.0], metric="replicas_ready"), REST, NOW)) == [SignalStatus.FIRING]


@pytest.mark.parametrize(
    ("missing", "at_rest", "while_firing"),
    [("unknown", [], []), ("fire", [SignalStatus.FIRING], []), ("ok", [], [SignalStatus.RESOLVED])],
)
def test_missing_data_means_what_the_sensor_says(missing: str, at_rest: list, while_firing: list):
    sensor = _sensor(missing=missing, components=("checkout",))
    silent = _telemetry([900.0], until=NOW - 60_000)
    assert _status(evaluate([sensor], silent, REST, NOW)) == at_rest
    assert _status(evaluate([sensor], silent, SensorState({"slow/checkout": 5}), NOW)) == while_firing


def test_numbers_that_are_none_are_missing():
    assert not evaluate([_sensor(forMs=0)], _telemetry([math.inf, math.nan]), REST, NOW).signals


def test_a_blind_source_changes_nothing():
    telemetry = _telemetry([900.0] * 12)
    telemetry.failing = True
    with pytest.raises(Retryable):
        evaluate([_sensor()], telemetry, REST, NOW)


def test_a_rate_sees_growth_that_a_threshold_would_not():
    sensor = _sensor(metric="memory_usage", above=0.02, rule="rate", forMs=0)
    growing = _telemetry([0.3 + 0.003 * n for n in range(30)], metric="memory_usage")
    steady = _telemetry([0.9] * 30, metric="memory_usage")
    assert _status(evaluate([sensor], growing, REST, NOW)) == [SignalStatus.FIRING]
    assert not evaluate([sensor], steady, REST, NOW).signals


@pytest.mark.parametrize(("counter", "fires"), [(True, True), (False, False)])
def test_a_counter_that_starts_again_has_still_grown(counter: bool, fires: bool):
    sensor = _sensor(metric="restarts", above=1, rule="rate", forMs=0, counter=counter)
    telemetry = _telemetry([7.0] * 6 + [0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0], metric="restarts")
    assert bool(evaluate([sensor], telemetry, REST, NOW).signals) is fires


def test_every_component_with_the_metric_is_its_own_watch():
    telemetry = _telemetry([900.0] * 12)
    telemetry.put("cart", "latency_p99", [(NOW - 5_000 * n, 100.0) for n in range(12)])
    assert [signal.component for signal in evaluate([_sensor()], telemetry, REST, NOW).signals] == ["checkout"]


@pytest.mark.parametrize("bounds", [{}, {"above": 1, "below": 2}, {"above": math.nan}], ids=["none", "both", "nan"])
def test_a_sensor_has_exactly_one_finite_bound(bounds: dict):
    spec = {"metric": "m", **bounds}
    with pytest.raises(ValidationError):
        Sensor.model_validate({"apiVersion": "homeostat/v1", "kind": "Sensor", "metadata": {"name": "s"}, "spec": spec})


def _refused(**spec) -> str:
    with pytest.raises(ValidationError) as error:
        _sensor(**spec)
    return str(error.value)


def test_what_a_sensor_says_of_its_metric_may_not_contradict_its_rule():
    assert "fires on the other side" in _refused(direction="lower")
    assert "compares nothing" in _refused(rule="none")
    assert "less than two periods" in _refused(periodMs=15_000)


@pytest.mark.parametrize(("spec", "bad"), [({}, "higher"), ({"below": 2}, "lower"), ({"direction": "both"}, "both")])
def test_which_way_is_bad_is_said_or_implied(spec: dict, bad: str):
    assert _sensor(**spec).spec.bad == bad


def test_a_sensor_without_a_rule_is_silent_about_silence_too():
    described = Sensor.model_validate_json(
        '{"apiVersion": "homeostat/v1", "kind": "Sensor", "metadata": {"name": "s"}, '
        '"spec": {"metric": "latency_p99", "rule": "none", "missing": "fire", "components": ["checkout"]}}'
    )
    assert not evaluate([described], _telemetry([900.0], until=NOW - 60_000), REST, NOW).signals
