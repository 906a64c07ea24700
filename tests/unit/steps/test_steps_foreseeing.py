"""What was foreseen is told once, and is told later where it could not be told at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.errors import Retryable
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.findings import Finding
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident, Severity
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.steps.foreseeing import AGAIN_MS, FIRST_MS, foresee, foretold, present
from reconciler.steps.outlook import NEAR
from reconciler.steps.world import Cursor
from reconciler.testing.analysts import InlineAnalyst
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 1_000_000_000
LINE = (("lead_s", "1800"), ("limit", "0.7"), ("level", "0.5"), ("per_second", "0.0001"), ("rising", "0.97"))
RISK = Finding("failures", "1", "", "risk", "cart", "memory_usage", 9, "0.48", LINE, "memory of cart grew steadily")


def _found(inquiry: Inquiry) -> Answer:
    return Answer((RISK,) if inquiry.detectors == NEAR.detectors else ())


def _world(store: MemoryStore, now: int = NOW) -> Any:
    rules = SimpleNamespace(sensors=(), objectives=(), calendars=(), capacities=(), policy=SimpleNamespace(maintenance=()))
    return SimpleNamespace(
        clock=ManualClock(now), store=store, telemetry=MemoryTelemetry(components=["cart"]), cursor=Cursor(applied="head"),
        analyst=InlineAnalyst(_found), applied_rulebook=lambda: rules,
    )  # fmt: skip


def _foreseen(world: Any) -> bool:
    """After the first minutes of a process, in which nothing is foreseen."""
    foresee(world)
    world.clock.advance(FIRST_MS)
    return foresee(world)


def test_what_is_foreseen_is_told_once_also_over_a_restart() -> None:
    world = _world(MemoryStore())
    assert _foreseen(world)
    world.clock.advance(NEAR.every_ms)
    assert not foresee(world)
    assert not _foreseen(_world(world.store, world.clock.now()))
    assert [signal.fingerprint for signal in world.store.pending_signals()] == ["predicted/memory_usage/cart"]


def test_what_the_store_did_not_take_is_told_with_the_next_turn_and_not_with_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _world(MemoryStore())
    with monkeypatch.context() as patch:
        patch.setattr(world.store, "accept", _full)
        with pytest.raises(Retryable):
            _foreseen(world)
    assert foresee(world)
    assert not foresee(world)
    assert len(world.store.pending_signals()) == 1


def test_a_note_of_a_time_that_is_yet_to_come_keeps_nothing_from_being_told() -> None:
    """The clock ran ahead when it was written, and was put right while nothing ran."""
    ahead = _world(MemoryStore(), NOW + 10 * AGAIN_MS)
    assert _foreseen(ahead)
    assert _foreseen(_world(ahead.store))


@pytest.mark.parametrize(("lead_s", "reason"), [("300", Reason.OK), ("3601", Reason.STALE)])
def test_what_is_foreseen_is_not_over_because_it_is_about_to_happen(lead_s: str, reason: Reason) -> None:
    world = _world(MemoryStore())
    _foreseen(world)
    signals, now = tuple(world.store.pending_signals()), world.clock.now()
    incident = Incident("a", "a", "infra", "lab", now, Severity.WARNING, ("cart",), signals)
    nearer = dataclasses.replace(RISK, values=(("lead_s", lead_s), *LINE[1:]))
    world.cursor.outlook.found["near"] = (now, (nearer,))
    assert present(world, incident).reason is reason
    if reason is Reason.OK:
        diagnosis = foretold(world, incident, Diagnosis(incident.id, now, "", (), 0, 0, ""))
        assert diagnosis.top is not None
        assert diagnosis.top.component == "cart"


def _full(_: object) -> None:
    raise Retryable("the disk is full", next_step="make room")


def test_a_look_that_failed_says_why_and_unsays_nothing() -> None:
    world = _world(MemoryStore())
    assert _foreseen(world)
    faults: list[str] = []
    world.analyst, world.meters = InlineAnalyst(lambda _: Answer(missing="no memory")), SimpleNamespace(fault=_kept(faults))
    world.clock.advance(NEAR.every_ms)
    assert not foresee(world)
    assert (faults, world.cursor.outlook.missing) == (["no memory"], "no memory")
    assert world.cursor.outlook.findings(world.clock.now()) == (RISK,)


def _kept(faults: list[str]) -> Callable[[str, str], None]:
    return lambda _, why: faults.append(why)
