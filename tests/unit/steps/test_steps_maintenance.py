"""While people work on a component nobody alarms about it, and afterwards only what still is."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.cli.status_text import _health, text
from reconciler.documents import load_tree
from reconciler.documents.freeze import instant_ms
from reconciler.documents.maintenance import Maintenance
from reconciler.documents.sensor import Sensor
from reconciler.model.findings import Finding
from reconciler.model.maintenance import NOTED, MaintenanceWindow, noted
from reconciler.model.scores import SystemScore
from reconciler.steps.attending import EVERY_MS, attend
from reconciler.steps.foreseeing import _told
from reconciler.steps.maintenance import Rest, lately
from reconciler.steps.outlook import NEAR
from reconciler.steps.scoring import score
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


def _steady(world: Any, now: int, level: float = 100.0) -> None:
    """A quarter of an hour, the last sample apart."""
    for name in ("db", "shop"):
        points = [(now - EVERY_MS * n, 100.0 + n % 3 if n else level) for n in range(60)]
        world.telemetry.put(name, "latency_p99", points)


@pytest.mark.parametrize(("now", "told"), [(BEGIN - 1, ["db", "shop"]), (BEGIN, ["shop"]), (END, ["shop"])])
def test_what_stands_out_of_it_is_not_told(now: int, told: list[str]) -> None:
    world = _world(now)
    _steady(world, now, 900.0)
    attend(world)
    assert sorted(one.component for one in world.cursor.attending.now) == told


def _restless(world: Any, now: int, until: int) -> None:
    """What is worked on goes up and down; the other does not."""
    looks = range(now, until, EVERY_MS)
    world.telemetry.put("db", "latency_p99", [(at, 900.0 if n % 2 else 20.0) for n, at in enumerate(looks)])
    world.telemetry.put("shop", "latency_p99", [(at, 100.0 + n % 3) for n, at in enumerate(looks)])


def _step(world: Any, level: float) -> list[str]:
    now = world.clock.now()
    for name in ("db", "shop"):
        world.telemetry.put(name, "latency_p99", [(now, level)])
    attend(world)
    return sorted(one.component for one in world.cursor.attending.now)


def test_what_happens_in_the_window_becomes_no_habit() -> None:
    world = _world(BEGIN - 1)
    _steady(world, BEGIN - 1)
    attend(world)
    _restless(world, BEGIN, END)
    for _ in range(24):
        world.clock.advance(EVERY_MS)
        attend(world)
    world.clock.advance(END + EVERY_MS - world.clock.now())
    attend(world)
    world.clock.advance(EVERY_MS)
    assert _step(world, 300.0) == ["db", "shop"]
    found = {one.component: dict(one.reasons) for one in world.cursor.attending.now}
    assert float(found["db"]["habit"]) <= float(found["shop"]["habit"]) + 0.5
    assert "late" not in found["db"]


def test_after_a_restart_the_window_is_no_measure_of_what_comes_after_it() -> None:
    now = END + 240_000
    world = _world(now)
    _restless(world, BEGIN, END)
    for name in ("db", "shop"):
        world.telemetry.put(name, "latency_p99", [(at, 100.0 + at % 7) for at in range(END + EVERY_MS, now, EVERY_MS)])
    attend(world)
    world.clock.advance(EVERY_MS)
    assert _step(world, 160.0) == ["db", "shop"]


def test_the_window_is_noted_for_people() -> None:
    world = _world(BEGIN)
    attend(world)
    (shown,) = noted(world.store.noted(NOTED), BEGIN)
    assert (shown.name, shown.about, shown.end_ms) == ("move", "db*", END)
    world.clock.advance(END - BEGIN)
    attend(world)
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
        (
            "cases",
            "pull_requests",
            "brakes",
            "units",
            "objectives",
            "attention",
            "alarms",
            "repairs",
            "waiting",
            "ended",
            "operations",
        ),
        (),
    )
    seen = empty | {
        "holds": {}, "running": None, "head": "", "applied": "", "repository": "infra", "branch": "main", "records": 1,
        "health": None, "foresight": None, "maintenance": (window,),
    }  # fmt: skip
    assert "worked on\n  move  db*  60m left  a move" in text(seen, ManualClock(BEGIN))


def _sick(now: int) -> Any:
    world = _world(now)
    for name in ("db", "shop"):
        world.telemetry.put(name, "error_rate", [(now - 5_000 * n, 0.05) for n in range(12)])
    return world


@pytest.mark.parametrize(("now", "left_out"), [(BEGIN - 1, ()), (BEGIN, ("db",)), (END, ("db",)), (END + 60_000, ())])
def test_the_score_leaves_it_out_and_says_so(now: int, left_out: tuple[str, ...]) -> None:
    world = _sick(now)
    score(world)
    found = world.cursor.score
    assert found.resting == left_out
    assert {one.component for one in found.lost} == {"db", "shop"} - set(left_out)


def test_what_is_usual_is_not_measured_in_a_window() -> None:
    now = END + 1_500_000
    world = _world(now)
    slow = [(at, 900.0) for at in range(BEGIN, END, 60_000)]
    usual = [(at, 100.0) for at in range(END, now - 60_000, 60_000)]
    for name in ("db", "shop"):
        world.telemetry.put(name, "latency_p99", [*slow, *usual, *((now - 5_000 * n, 250.0) for n in range(12))])
    score(world)
    assert [(one.component, one.kind) for one in world.cursor.score.lost] == [("db", "slowness")]


def test_the_status_names_what_the_score_leaves_out() -> None:
    assert _health(SystemScore(BEGIN, "97", (), (), ("db", "cart"))) == "97 of 100; worked on, and left out: db, cart"
