"""What was refused is on record, also where the Clock stands and a case is proposed for twice in one millisecond."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from reconciler.audit.facts import record
from reconciler.audit.view import Facts
from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.records import RecordKind, Stamp
from reconciler.model.signals import Incident, Severity
from reconciler.steps.progress import Progress, data
from reconciler.steps.propose import propose
from reconciler.testing.clock import ManualClock
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 1_000_000


def _world() -> Any:
    grouping = SimpleNamespace(max_pull_requests=5, rejected_ms=0)
    spec = SimpleNamespace(grouping=grouping)
    rules = SimpleNamespace(installation=SimpleNamespace(spec=spec), playbooks=(), units={}, people=None)
    return SimpleNamespace(
        clock=ManualClock(NOW),
        rulebook=lambda: rules,
        forge=SimpleNamespace(list=lambda _: ()),
        ledger=SimpleNamespace(facts=Facts),
        head=lambda: "tip",
        repo=None,
        telemetry=MemoryTelemetry(()),
        notifier=SimpleNamespace(page=lambda *_: None),
        url=str,
        record=lambda kind, key, payload, **about: record(kind, key, Stamp(NOW, NOW), payload, **about),
    )


def _case(cause: CauseKind) -> Case:
    incident = Incident("inc-1", "f", "infra", "lab", NOW, Severity.WARNING, ("cart",), ())
    found = Diagnosis("inc-1", NOW, "tip", (Cause(cause, "cart", "0.9", "", ()),), (0, 1), (1, 2), "found")
    return Case("inc-1", "infra", "lab", "f", Stage.PROPOSE, NOW, NOW, data(Progress(incident, found)))


def _refusals(cause: CauseKind) -> dict[str, object]:
    records = propose(_world(), _case(cause)).records
    return {one.key: one.payload["detail"] for one in records if one.kind is RecordKind.REFUSAL}


def test_a_second_refusal_in_the_same_millisecond_does_not_pass_for_the_first() -> None:
    first, second = _refusals(CauseKind.LOAD), _refusals(CauseKind.UNKNOWN)
    assert [*first.values(), *second.values()] == ["no playbook fits any of the causes", "the data does not say what broke"]
    assert not first.keys() & second.keys()


def test_a_step_that_runs_twice_says_it_once() -> None:
    assert _refusals(CauseKind.LOAD) == _refusals(CauseKind.LOAD)
