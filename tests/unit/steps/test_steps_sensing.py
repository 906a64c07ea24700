"""Sensors are asked again when there is something new, and at least every few seconds; never later because of a wrong clock."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from reconciler.documents.sensor import Sensor
from reconciler.steps.sensing import SENSE_EVERY_MS, sense
from reconciler.steps.world import Cursor
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 1_700_000_000_000
SPEC = {"metric": "error_rate", "above": 0.1, "forMs": 0, "components": ["cart"]}


def _world() -> Any:
    document = {"apiVersion": "homeostat/v1", "kind": "Sensor", "metadata": {"name": "errors"}, "spec": SPEC}
    sensors = (Sensor.model_validate_json(json.dumps(document)),)
    book = SimpleNamespace(sensors=sensors, objectives=(), policy=SimpleNamespace(maintenance=()))
    return SimpleNamespace(
        clock=ManualClock(NOW), store=MemoryStore(), telemetry=MemoryTelemetry(components=["cart"]),
        cursor=Cursor(applied="head"), applied_rulebook=lambda: book,
    )  # fmt: skip


def _measure(world: Any, value: float, at: int | None = None) -> bool:
    world.telemetry.put("cart", "error_rate", [(world.clock.now() if at is None else at, value)])
    return sense(world)


def test_a_sample_from_the_future_does_not_keep_it_from_looking_at_the_present() -> None:
    world = _world()
    assert not _measure(world, 0.0, at=NOW + 86_400_000)
    world.clock.advance(SENSE_EVERY_MS)
    assert _measure(world, 0.5)


def test_nothing_new_is_not_looked_at_again_within_the_same_moment() -> None:
    world = _world()
    _measure(world, 0.0)
    reads = world.telemetry.reads
    world.clock.advance(1_000)
    sense(world)
    assert world.telemetry.reads == reads + 1  # how old the newest sample is
    world.clock.advance(SENSE_EVERY_MS)
    sense(world)
    assert world.telemetry.reads > reads + 2


def test_an_alarm_is_told_once_and_not_again_by_the_next_process() -> None:
    world = _world()
    assert _measure(world, 0.5)
    world.cursor = Cursor(applied="head")
    world.clock.advance(1_000)
    assert not _measure(world, 0.5)
    world.clock.advance(1_000)
    assert _measure(world, 0.0)
    assert [one.status.value for one in world.store.pending_signals()] == ["firing", "resolved"]
