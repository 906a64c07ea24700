"""The account of the objectives outlives the process, and forgets what belongs to another promise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.documents.objective import Objective
from reconciler.documents.sensor import Rule
from reconciler.errors import Retryable
from reconciler.model.objectives import NOTED, Budget, noted
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.steps.accounting import account, spending, withdrawn
from reconciler.steps.foreseeing import present
from reconciler.steps.gather import OLD_MS, budgets_about
from reconciler.steps.world import Cursor
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from reconciler.testing.telemetry import MemoryTelemetry

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_000 * DAY


def _objective(above: int = 500) -> Objective:
    spec = {"components": ["checkout"], "indicator": {"threshold": {"metric": "latency_p99", "above": above}}, "target": "0.99"}
    document = {"apiVersion": "homeostat/v1", "kind": "Objective", "metadata": {"name": "promise"}, "spec": spec}
    return Objective.model_validate_json(json.dumps(document))


def _world(*objectives: Objective, store: MemoryStore | None = None, now: int = NOW) -> SimpleNamespace:
    clock = ManualClock(now)
    book = SimpleNamespace(objectives=objectives, sensors=(), policy=SimpleNamespace(maintenance=()))
    telemetry = MemoryTelemetry(components=["checkout"])
    return SimpleNamespace(
        clock=clock, store=store or MemoryStore(), telemetry=telemetry, cursor=Cursor(), applied_rulebook=lambda: book
    )


def _measure(world: SimpleNamespace, latency: float, minutes: int, until: int) -> None:
    points = [(until - back * MINUTE - MINUTE // 2, latency) for back in range(minutes)]
    world.telemetry.put("checkout", "latency_p99", points)


def _budget(world: SimpleNamespace) -> Budget:
    (budget,) = noted(world.store.noted(NOTED))
    return budget


def test_a_month_of_promises_outlives_the_process_and_the_telemetry():
    world = _world(_objective())
    for hours in range(9):
        world.clock.advance(HOUR if hours else 0)
        _measure(world, 900.0, 60, NOW + hours * HOUR)
        account(world)
    spent = 1.0 - float(_budget(world).left)
    later = _world(_objective(), store=world.store, now=NOW + 9 * HOUR)
    _measure(later, 100.0, 60, NOW + 9 * HOUR)
    account(later)
    assert 1.0 - float(_budget(later).left) == pytest.approx(spent, rel=0.15)


def test_an_alarm_is_not_raised_again_after_a_restart():
    world = _world(_objective())
    _measure(world, 900.0, 60, NOW)
    assert account(world)
    raised = len(world.store.pending_signals())
    again = _world(_objective(), store=world.store, now=NOW + MINUTE)
    _measure(again, 900.0, 60, NOW + MINUTE)
    assert not account(again)
    assert len(world.store.pending_signals()) == raised > 0


def test_the_account_of_another_promise_is_not_taken_over():
    world = _world(_objective())
    _measure(world, 900.0, 360, NOW)
    account(world)
    other = _world(_objective(above=1_000), store=world.store, now=NOW + MINUTE)
    _measure(other, 900.0, 60, NOW)
    account(other)
    assert float(_budget(other).left) == 1.0


def test_it_looks_again_only_when_a_step_has_closed():
    world = _world(_objective())
    account(world)
    reads = world.telemetry.reads
    world.clock.advance(1_000)
    account(world)
    assert world.telemetry.reads == reads
    world.clock.advance(MINUTE)
    account(world)
    assert world.telemetry.reads > reads


def test_a_blind_source_leaves_the_account_as_it_was():
    world = _world(_objective())
    _measure(world, 900.0, 60, NOW)
    account(world)
    before, world.telemetry.failing = world.cursor.budgets, True
    world.clock.advance(MINUTE)
    with pytest.raises(Retryable):
        account(world)
    assert world.cursor.budgets == before == noted(world.store.noted(NOTED))


def test_a_claim_is_present_while_the_newest_minutes_still_spend_too_fast():
    world = _world(_objective())
    _measure(world, 900.0, 60, NOW)
    account(world)
    fired = world.store.pending_signals()[0]
    assert spending(world, fired)
    _measure(world, 100.0, 5, NOW + 5 * MINUTE)
    world.clock.advance(5 * MINUTE)
    account(world)
    assert not spending(world, fired)


def test_an_objective_that_is_withdrawn_is_shown_no_longer():
    world = _world(_objective())
    _measure(world, 100.0, 60, NOW)
    account(world)
    _withdraw(world)
    account(world)
    assert noted(world.store.noted(NOTED)) == ()


def _withdraw(world: SimpleNamespace) -> None:
    world.applied_rulebook = lambda: SimpleNamespace(objectives=(), sensors=(), policy=SimpleNamespace(maintenance=()))
    world.clock.advance(MINUTE)


@pytest.mark.parametrize("restarted", [False, True])
def test_withdrawing_an_objective_ends_its_alarms_once(restarted: bool):
    world = _world(_objective())
    _measure(world, 900.0, 60, NOW)
    account(world)
    fired = world.store.pending_signals()
    world = _world(_objective(), store=world.store, now=NOW) if restarted else world
    _withdraw(world)
    assert account(world)
    ended = world.store.pending_signals()[len(fired) :]
    assert {one.status for one in ended} == {SignalStatus.RESOLVED}
    assert _claims(ended) == _claims(fired)  # so that each takes its twin with it
    world.clock.advance(MINUTE)
    assert not account(world)


def _claims(signals: Any) -> list[Any]:
    return sorted((one.source, one.fingerprint, one.labels, one.component, one.started_ms) for one in signals)


def test_a_promise_that_is_made_again_begins_anew_and_alarms_anew():
    world = _world(_objective())
    _measure(world, 900.0, 360, NOW)
    account(world)
    raised, book = len(world.store.pending_signals()), world.applied_rulebook
    _withdraw(world)
    account(world)
    again = _world(_objective(), store=world.store, now=NOW + 2 * MINUTE)
    account(again)
    assert _budget(again).measured == "0"
    world.applied_rulebook = book
    world.clock.advance(MINUTE)
    _measure(world, 900.0, 60, world.clock.now())
    account(world)
    firing = [one for one in world.store.pending_signals() if one.status is SignalStatus.FIRING]
    assert len(firing) > raised


def _incident(*sources: str) -> Incident:
    signals = tuple(
        Signal(f"id-{n}", source, source.partition("/")[2], "checkout", source, SignalStatus.FIRING, Severity.WARNING, NOW, NOW)
        for n, source in enumerate(sources)
    )
    return Incident("inc-1", "f", "infra", "main", NOW, Severity.WARNING, ("checkout",), signals)


def test_an_incident_is_over_with_the_objective_that_alone_claimed_it():
    world = _world(_objective())
    _measure(world, 900.0, 60, NOW)
    incident = _incident("objective/promise")
    assert withdrawn(world, incident.signals) == ()
    _withdraw(world)
    found = present(world, incident)
    assert (found.reason.value, found.detail) == ("stale", "what alarmed was withdrawn: promise")


def test_what_others_claim_of_it_is_still_looked_at():
    world = _world()
    world.telemetry.failing, world.applied_rulebook().index = True, SimpleNamespace(by_name={})
    world.applied_rulebook().sensors = (_sensor(),)
    found = present(world, _incident("objective/promise", "sensor/latency"))
    assert (found.reason.value, found.detail) == ("unknown", "telemetry did not answer")


@pytest.mark.parametrize(
    ("sensors", "stands"),
    [
        ([], False),
        ([{}], True),
        ([{"name": "other"}], False),
        ([{"components": ["checkout"]}], True),
        ([{"components": ["cart"]}], False),
        ([{"rule": "none"}], False),
    ],
    ids=["gone", "everyone's", "renamed", "named", "moved", "watches nothing"],
)
def test_a_claim_is_over_with_the_sensor_that_alone_made_it(sensors: list[dict[str, Any]], stands: bool):
    world = _world()
    world.applied_rulebook().sensors = tuple(_sensor(**one) for one in sensors)
    incident = _incident("sensor/latency")
    assert withdrawn(world, incident.signals) == (() if stands else incident.signals)


def _sensor(name: str = "latency", rule: str = "threshold", components: Sequence[str] = ()) -> Any:
    spec = SimpleNamespace(components=tuple(components), rule=Rule(rule))
    return SimpleNamespace(metadata=SimpleNamespace(name=name), spec=spec)


def _told_burn(world: Any) -> str:
    """What policy is told; "" is unknown."""
    proposal: Any = SimpleNamespace(component="checkout", blast=SimpleNamespace(components=(), dependents=()))
    (budget,) = budgets_about(world, world.applied_rulebook(), proposal)
    return budget.burn


def test_policy_is_told_of_no_budget_that_was_settled_long_ago():
    world = _world(_objective())
    _measure(world, 100.0, 24 * 60, NOW)
    account(world)
    assert _told_burn(world) == "0"
    world.clock.advance(OLD_MS + 2 * MINUTE)
    assert _told_burn(world) == ""


def test_policy_is_told_of_no_budget_that_another_process_settled(monkeypatch: pytest.MonkeyPatch):
    before = _world(_objective())
    _measure(before, 100.0, 24 * 60, NOW)
    account(before)
    world = _world(_objective(), store=before.store, now=NOW + MINUTE)
    with monkeypatch.context() as patch:
        patch.setattr(world.telemetry, "series", _blind)
        with pytest.raises(Retryable):
            account(world)
    assert _told_burn(world) == ""
    _measure(world, 100.0, 24 * 60, NOW)
    account(world)
    assert _told_burn(world) == "0"


def _blind(*_: object) -> Any:
    raise Retryable("the telemetry does not answer", next_step="wait")


def test_an_objective_that_was_withdrawn_while_nothing_ran_is_shown_no_longer():
    before = _world(_objective())
    _measure(before, 100.0, 60, NOW)
    account(before)
    world = _world(store=before.store, now=NOW + MINUTE)
    account(world)
    assert noted(world.store.noted(NOTED)) == ()
