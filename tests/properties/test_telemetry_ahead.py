"""What a clock that ran ahead has left in the telemetry hides nothing of the present: with it and without it, all is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from examples import many
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.adapters.telemetry import Bounds, BuiltinTelemetry
from reconciler.documents.sensor import Sensor
from reconciler.steps.sensing import sense
from reconciler.steps.world import Cursor
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore

NOW, MINUTE, HOUR = 1_700_000_000_000, 60_000, 3_600_000
BOUNDS = Bounds(retention_ms=2 * HOUR, raw_ms=HOUR)
SPEC = {"metric": "error_rate", "above": 0.1, "forMs": 5_000}
NAMES = [("cart", "error_rate"), ("web", "error_rate"), ("web", "calls_total{callee=cart}")]
SENSOR = {"apiVersion": "homeostat/v1", "kind": "Sensor", "metadata": {"name": "errors"}, "spec": SPEC}
AHEAD = st.integers(2_000, 400 * 24 * HOUR)
FUTURE = st.lists(st.tuples(st.sampled_from([*NAMES, ("ghost", "error_rate")]), AHEAD), min_size=1, max_size=4)
LATER = st.lists(st.sampled_from([5_000, 15_000, 20 * MINUTE, HOUR]), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("stores")
    return (root / str(number) for number in count())


def _world(folder: Path) -> Any:
    clock = ManualClock(NOW)
    book = SimpleNamespace(
        sensors=(Sensor.model_validate_json(json.dumps(SENSOR)),), objectives=(), policy=SimpleNamespace(maintenance=())
    )  # fmt: skip
    return SimpleNamespace(
        clock=clock, store=MemoryStore(), telemetry=BuiltinTelemetry(folder, BOUNDS, clock.now), cursor=Cursor(applied="head"),
        applied_rulebook=lambda: book,
    )  # fmt: skip


def _scrape(world: Any) -> None:
    now = world.clock.now()
    world.telemetry.write([(*name, now, 0.5) for name in NAMES], now)
    sense(world)


def _seen(world: Any) -> Any:
    now, telemetry = world.clock.now(), world.telemetry
    window = {key: (t.tolist(), v.tolist()) for key, (t, v) in telemetry.window(None, now - 2 * HOUR, now).items()}
    alarms = [(one.component, one.status, one.started_ms) for one in world.store.pending_signals()]
    return telemetry.newest_ms(), telemetry.topology(), window, alarms


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=many(15), deadline=None)
@given(before=LATER, ahead=FUTURE, sealed=st.booleans(), after=LATER)
@example(before=[5_000], ahead=[(NAMES[0], 300 * 24 * HOUR)], sealed=True, after=[HOUR, HOUR, HOUR])
def test_the_future_hides_nothing_of_the_present(folders: Iterator[Path], before, ahead, sealed: bool, after):
    world, plain = _world(next(folders)), _world(next(folders))
    for step in before:
        for one in (world, plain):
            one.clock.advance(step)
            _scrape(one)
    for name, lead in ahead:
        at = world.clock.now() + lead
        world.telemetry.write([(*name, at, 0.0)], at)
    if sealed:
        with world.telemetry._samples._folder.writing():
            world.telemetry._samples._folder.seal_head()
    for step in after:
        for one in (world, plain):
            one.clock.advance(min(step, 1_000 if step < MINUTE else step))
            _scrape(one)
        if world.clock.now() < NOW + min(lead for _, lead in ahead):
            assert _seen(world) == _seen(plain)
    for one in (world, plain):
        one.telemetry.close()
