"""The shipped sensors: complete, in five families, each firing on what it says and on nothing less."""

from __future__ import annotations

from collections import Counter
from importlib import resources

import pytest

from reconciler.documents import load
from reconciler.documents.schemas import violations
from reconciler.documents.sensor import Direction, Family, Missing, Rule, Sensor
from reconciler.model.signals import SignalStatus
from reconciler.signals import SensorState, catalogue, evaluate, meaning
from reconciler.signals.catalogue import shipped, shipped_text
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 4_000_000_000
FILES = sorted((resources.files("reconciler.signals") / "library").iterdir(), key=lambda item: item.name)
LOADED = [item for file in FILES for item in load(file.read_bytes(), file.name)]
PROMISED = (
    "cpu_usage", "gpu_usage", "gpu_temperature", "memory_usage", "swap_usage", "latency_p99", "bandwidth_saturation",
    "connection_pool", "packet_loss", "error_rate", "request_queue", "response_time_p50", "response_time_p95",
    "response_time_p99", "throughput", "inference_latency", "batch_efficiency", "model_drift", "cache_hit_rate",
    "disk_io_wait", "database_connections", "query_latency", "index_efficiency",
)  # fmt: skip
SAID = {"family", "metric", "unit", "direction", "periodMs", "staleMs", "missing"}
RULES = [sensor for sensor in shipped().values() if sensor.spec.rule is not Rule.NONE]


def _watched(sensor: Sensor, level: float, until: int = NOW) -> list[SignalStatus]:
    """What a sensor says to a series that stays at this level, or moves by it every minute."""
    spec = sensor.spec
    first = until - spec.for_ms - 2 * spec.window_ms - 2 * spec.stale_ms
    minutes = 60_000 if spec.rule is Rule.RATE else None
    points = [(t, level * (t - first) / minutes if minutes else level) for t in range(first, until + 1, spec.period_ms)]
    telemetry = MemoryTelemetry(components=["box"])
    telemetry.put("box", spec.metric, points)
    return [signal.status for signal in evaluate([sensor], telemetry, SensorState(), NOW).signals]


def _beyond(sensor: Sensor, share: float) -> float:
    """A level on the bad side of the bound (share above 0), or on the good one."""
    bound, way = (sensor.spec.above, 1.0) if sensor.spec.above is not None else (sensor.spec.below or 0.0, -1.0)
    return bound + way * share * max(abs(bound), 0.5)


def test_every_definition_is_valid_and_says_everything_itself():
    for item in LOADED:
        assert violations(item) == ()
        assert item.document.metadata.description.endswith(".")
        assert not SAID - set(item.value["spec"]), item.name


def test_there_are_fifty_in_five_families_and_each_lies_with_its_family():
    families = Counter(sensor.spec.family for sensor in shipped().values())
    assert set(families) == set(Family)
    assert sum(families.values()) == len(LOADED) >= 50
    assert all(item.path == f"{item.document.spec.family}.yaml" for item in LOADED)


@pytest.mark.parametrize("metric", PROMISED)
def test_a_promised_metric_has_a_meaning(metric: str):
    sensor = meaning(metric, catalogue())
    assert sensor is not None
    assert sensor.spec.metric == metric


def test_every_definition_is_found_by_its_metric_and_printed_alone():
    for name, sensor in shipped().items():
        assert meaning(sensor.spec.metric, catalogue()) is sensor
        (alone,) = load(shipped_text(name).encode(), "own.yaml")
        assert alone.document == sensor
    assert shipped_text("no-such") == ""


@pytest.mark.parametrize("sensor", RULES, ids=lambda sensor: sensor.metadata.name)
def test_a_rule_fires_beyond_its_bound_and_rests_within(sensor: Sensor):
    assert _watched(sensor, _beyond(sensor, 0.2)) == [SignalStatus.FIRING]
    assert _watched(sensor, _beyond(sensor, -0.2)) == []


@pytest.mark.parametrize("sensor", RULES, ids=lambda sensor: sensor.metadata.name)
def test_silence_means_what_the_definition_says(sensor: Sensor):
    quiet = _watched(sensor, _beyond(sensor, -0.2), until=NOW - sensor.spec.stale_ms - 1)
    assert quiet == ([SignalStatus.FIRING] if sensor.spec.missing is Missing.FIRE else [])


def test_what_has_no_rule_never_fires():
    for sensor in shipped().values():
        if sensor.spec.rule is Rule.NONE:
            assert not _watched(sensor, 1e12)
            assert sensor.spec.above is sensor.spec.below is None


def test_a_repositorys_own_document_takes_the_place_of_the_shipped_one():
    own = shipped()["cpu-usage"].model_copy(
        deep=True, update={"spec": shipped()["cpu-usage"].spec.model_copy(update={"above": 0.5})}
    )
    assert meaning("cpu_usage", catalogue([own])) is own
    assert meaning("cpu_usage", catalogue()) is not own


def test_a_document_that_only_borrows_a_name_gives_no_meaning_to_the_metric():
    other = shipped()["cpu-usage"].model_copy(update={"metadata": shipped()["swap-usage"].metadata})
    assert meaning("swap_usage", catalogue([other])) is None


def test_labels_do_not_hide_what_a_metric_means():
    found = meaning("disk_usage{mount=data}", catalogue())
    assert found is not None
    assert found.spec.bad is Direction.HIGHER
