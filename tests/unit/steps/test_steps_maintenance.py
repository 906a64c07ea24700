"""While people work on a component nobody alarms about it, and afterwards only what still is."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.cli.status_text import text
from reconciler.documents import load_tree
from reconciler.documents.freeze import instant_ms
from reconciler.documents.maintenance import Maintenance
from reconciler.documents.sensor import Sensor
from reconciler.model.findings import Finding
from reconciler.model.maintenance import NOTED, MaintenanceWindow, noted
from reconciler.model.notices import Noticed
from reconciler.steps import attending
from reconciler.steps.foreseeing import _told
from reconciler.steps.maintenance import Rest, lately
from reconciler.steps.outlook import NEAR
from reconciler.steps.sensing import sense
from reconciler.steps.world import Cursor
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from reconciler.testing.telemetry import MemoryTelemetry

BEGIN, END = instant_ms("2026-06-05T22:00Z"), instant_ms("2026-06-05T23:00Z")
MOVE = b"""\
apiVersion: homeostat/v1
kind: Maintenance
metadata: {name: move}
spec: {components: ["db*"], reason: a move, windows: [{start: "2026-06-05T22:00Z", end: "2026-06-05T23:00Z"}]}
"""
SPEC = {"metric": "error_rate", "above": 0.1}


def _world(now: int, **sensor: object) -> Any:
    document = {"apiVersion": "homeostat/v1", "kind": "Sensor", "metadata": {"name": "errors"}, "spec": SPEC | sensor}
    documents = load_tree({"policies/move.yaml": MOVE}).of(Maintenance)
    book = SimpleNamespace(
        sensors=(Sensor.model_validate_json(json.dumps(document)),), objectives=(), policy=SimpleNamespace(maintenance=documents)
    )  # fmt: skip
    return SimpleNamespace(
        clock=ManualClock(now), store=MemoryStore(), telemetry=MemoryTelemetry(components=["db", "shop"]),
        cursor=Cursor(applied="head"), applied_rulebook=lambda: book,
    )  # fmt: skip


def _fail(world: Any, until: int, minutes: int = 20) -> None:
    for name in ("db", "shop"):
        world.telemetry.put(name, "error_rate", [(until - 5_000 * n, 0.5) for n in range(12 * minutes)])


def _alarmed(world: Any) -> list[str]:
    return sorted(signal.component for signal in world.store.pending_signals())


def test_a_sensor_is_silent_about_what_is_worked_on_and_speaks_of_all_others():
    world = _world(BEGIN + 1_200_000)
    _fail(world, BEGIN + 1_200_000)
    sense(world)
    assert _alarmed(world) == ["shop"]


def test_after_the_window_only_what_was_measured_since_then_counts():
    world = _world(END + 20_000)
    _fail(world, END + 20_000)
    sense(world)
    assert _alarmed(world) == ["shop"]
    world.clock.advance(40_000)
    _fail(world, END + 60_000)
    sense(world)
    assert _alarmed(world) == ["db", "shop"]


def test_silence_is_no_trouble_right_after_the_window():
    world = _world(END + 5_000, missing="fire", components=["db"])
    sense(world)
    assert _alarmed(world) == []
    world.clock.advance(600_000)
    sense(world)
    assert _alarmed(world) == ["db"]


@pytest.mark.parametrize(("now", "told"), [(BEGIN, []), (END, ["db"])])
def test_what_is_foreseen_of_it_is_told_once_the_window_is_over(now, told):
    values = (("level", "0.8"), ("limit", "0.9"), ("lead_s", "1800"), ("per_second", "0.001"))
    world = _world(now)
    world.cursor.outlook.found[NEAR.name] = (
        now,
        (Finding("failures", "1", "", "risk", "db", "memory_usage", now, "0.9", values, "x"),),
    )
    _told(world)
    assert _alarmed(world) == told


def test_what_stands_out_of_it_is_not_told_and_the_window_is_noted_for_people(monkeypatch):
    world = _world(BEGIN)
    notices = [Noticed(name, "cpu_usage", "series", BEGIN, "9", ()) for name in ("db", "shop")]
    monkeypatch.setattr(attending, "_noticed", lambda *_: notices)
    attending.attend(world)
    assert [one.component for one in world.cursor.attending.now] == ["shop"]
    (shown,) = noted(world.store.noted(NOTED), BEGIN)
    assert (shown.name, shown.about, shown.end_ms) == ("move", "db*", END)
    world.clock.advance(END - BEGIN)
    attending.attend(world)
    assert json.loads(world.store.noted(NOTED)) == []


def test_rest_lasts_to_the_end_of_the_window_and_is_remembered_for_a_day():
    ends = [(BEGIN - 1, 0), (BEGIN, END), (END - 1, END), (END + 3_600_000, END), (END + 90_000_000, 0)]
    assert [(now, Rest(_world(now)).until("db")) for now, _ in ends] == ends
    assert [Rest(_world(now)).now("db") for now in (BEGIN - 1, BEGIN, END - 1, END)] == [False, True, True, False]
    unknown = _world(BEGIN)
    unknown.cursor.applied = None
    assert lately(unknown, BEGIN, BEGIN) == ()


def test_the_status_says_what_is_worked_on_how_long_still_and_why():
    window = MaintenanceWindow("move", ("db*",), BEGIN, END, "a move")
    empty: dict[str, Any] = dict.fromkeys(
        ("cases", "pull_requests", "brakes", "units", "objectives", "attention", "alarms", "repairs", "waiting"), ()
    )
    seen = empty | {
        "holds": {}, "running": None, "head": "", "applied": "", "repository": "infra", "branch": "main", "records": 1,
        "health": None, "maintenance": (window,),
    }  # fmt: skip
    assert "worked on\n  move  db*  60m left  a move" in text(seen, ManualClock(BEGIN))
