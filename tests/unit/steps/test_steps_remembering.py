"""What a diagnosis says of the past: counted in the log, recognised by the memory, quoted from runbooks, and never in the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.analysis.likeness import VERSION
from reconciler.analysis.passages import library
from reconciler.audit import facts as make
from reconciler.audit.facts import Merge
from reconciler.audit.view import Facts, fold
from reconciler.errors import Permanent, Retryable
from reconciler.model.canonical import plain
from reconciler.model.diagnosis import Cause, CauseKind, Diagnosis
from reconciler.model.memory import Portrait, Tried
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.ports.memory import Near
from reconciler.steps.meters import Meters
from reconciler.steps.remembering import LEAST_ALIKE, MOST_ALIKE, recollect, remembered
from reconciler.testing.memory import HeldMemory
from reconciler.testing.telemetry import MemoryTelemetry

NOW, DAY = 1_700_000_000_000, 86_400_000
RUNBOOK = b"# Slow carts\n\nWhen the latency of cart grows, look at the load of cart first.\n"
SIGNAL = Signal("s", "sensor/latency", "latency", "cart", "latency/cart", SignalStatus.FIRING, Severity.WARNING, NOW, NOW)
INCIDENT = Incident("inc-now", "f", "infra", "main", NOW, Severity.WARNING, ("cart",), (SIGNAL,))
CAUSE = Cause(CauseKind.LOAD, "cart", "0.9", "", ())
FOUND = Diagnosis("inc-now", NOW, "tip", (CAUSE,), (NOW - 600_000, NOW - 60_000), (NOW, NOW), "load of cart")


class Told:
    """A log of these records that counts what is read of it."""

    def __init__(self) -> None:
        self.held: list[Record] = []
        self.read = 0

    @property
    def size(self) -> int:
        return len(self.held)

    def records(self, since: int = 0, *, kinds: Sequence[RecordKind] = ()) -> Iterator[LoggedRecord]:
        for index, record in enumerate(self.held[since:], since):
            self.read += 1
            if record.kind in kinds:
                yield LoggedRecord(index, record, {})

    def facts(self) -> Facts:
        found = Facts()
        for index, record in enumerate(self.held):
            fold(found, LoggedRecord(index, record, {}))
        return found

    def diagnosed(self, incident: str, looked: Portrait | None, at: int = NOW - DAY, **other: Any) -> None:
        payload = other or {"diagnosis": plain(dataclasses.replace(FOUND, incident=incident, portrait=looked))}
        self.held.append(
            make.record(RecordKind.DIAGNOSIS, f"{incident}/{len(self.held)}", Stamp(at, at), payload, incident=incident)
        )

    def repaired(self, incident: str, commit: str, state: OutcomeState) -> None:
        stamp = Stamp(NOW - DAY, 0)
        merge = Merge("infra", "main", commit, "base", "v", "homeostat", machine=True, playbook="scale-out")
        outcome = Outcome(commit, "outcome", state, "ok", (), NOW - DAY, "")
        self.held += [make.merge_record(merge, stamp, incident), make.outcome_record(outcome, stamp)]


def _world(told: Told | None = None, **instead: Any) -> Any:
    told = told or Told()
    world = SimpleNamespace(
        meters=Meters(), log=told, ledger=told, memory=HeldMemory(), telemetry=MemoryTelemetry(components=["cart"]),
        log_template=lambda *_: "", repo=None, runbooks=SimpleNamespace(at=lambda *_: library({"runbooks/cart.md": RUNBOOK})),
    )  # fmt: skip
    vars(world).update(instead)
    return world


def _portrait() -> Portrait:
    return remembered(_world(), INCIDENT, FOUND).portrait or Portrait()


def _seen(world: Any) -> Any:
    return remembered(world, INCIDENT, FOUND).seen


def test_the_portrait_is_kept_with_the_diagnosis_and_the_rest_of_it_stays():
    found = remembered(_world(), INCIDENT, FOUND)
    assert found.portrait
    assert {"cart", "latency", "load"} <= set(found.portrait.words)
    assert dataclasses.replace(found, portrait=None, seen=None) == FOUND


def test_what_came_before_is_counted_in_the_log_with_what_helped():
    told = Told()
    told.diagnosed("inc-old", None, at=NOW - 30 * DAY)
    told.diagnosed("inc-new", None)
    told.repaired("inc-new", "c1", OutcomeState.BETTER)
    found = _seen(_world(told, memory=None))
    assert (found.times, found.week, found.tried) == (2, 1, (Tried("scale-out", 1, 1),))


def test_what_looks_alike_is_named_with_what_landed_and_what_came_of_it():
    told, looked = Told(), _portrait()
    told.diagnosed("inc-alike", looked)
    told.repaired("inc-alike", "c1", OutcomeState.WORSE)
    told.diagnosed("inc-unrepaired", looked)
    told.diagnosed("inc-other", Portrait(words=("dns", "certificate", "expired")))
    found = {one.incident: one for one in _seen(_world(told)).alike}
    assert set(found) == {"inc-alike", "inc-unrepaired"}
    alike = found["inc-alike"]
    assert (alike.cause, alike.component, alike.diagnosed_ms) == ("load", "cart", NOW - DAY)
    assert (alike.playbook, alike.outcome, float(alike.likeness)) == ("scale-out", "worse", 1.0)
    assert (found["inc-unrepaired"].playbook, found["inc-unrepaired"].outcome) == ("", "")


@pytest.mark.parametrize("own", [("inc-now",), ()], ids=["diagnosed before", "new"])
def test_an_incident_is_not_alike_to_itself_and_no_more_are_named_than_a_person_reads(own: tuple[str, ...]):
    told, looked = Told(), _portrait()
    for name in (*own, *(f"inc-z{number}" for number in range(MOST_ALIKE + 3))):
        told.diagnosed(name, looked)
    assert [one.incident for one in _seen(_world(told)).alike] == [f"inc-z{number}" for number in range(MOST_ALIKE)]


@pytest.mark.parametrize(("likeness", "named"), [(LEAST_ALIKE, 1), (LEAST_ALIKE - 0.01, 0)])
def test_what_is_hardly_alike_is_not_named(likeness: float, named: int):
    class Vague(HeldMemory):
        def nearest(self, vector: Sequence[float], most: int) -> Sequence[Near]:
            return [dataclasses.replace(one, likeness=likeness) for one in super().nearest(vector, most)]

    told = Told()
    told.diagnosed("inc-vague", _portrait())
    assert len(_seen(_world(told, memory=Vague())).alike) == named


def test_the_memory_reads_of_the_log_only_what_is_new():
    told, memory = Told(), HeldMemory()
    told.diagnosed("inc-1", _portrait())
    recollect(_world(told), memory)
    told.diagnosed("inc-2", _portrait())
    told.read = 0
    recollect(_world(told), memory)
    assert (told.read, memory.mark()) == (1, f"{VERSION} 2")
    recollect(_world(told), memory)
    assert told.read == 1


@pytest.mark.parametrize("mark", ["", f"{VERSION} 9", "another-release 1", f"{VERSION} -1", "nonsense"])
def test_a_memory_of_another_log_or_release_is_forgotten_and_made_anew(mark: str):
    told, memory = Told(), HeldMemory()
    told.diagnosed("inc-of-another-log", _portrait())
    recollect(_world(told), memory)
    memory.put([], mark)
    told.held.clear()
    told.diagnosed("inc-1", _portrait())
    assert [one.incident for one in _seen(_world(told, memory=memory)).alike] == ["inc-1"]


def test_of_an_incident_the_newest_diagnosis_counts_and_what_cannot_be_read_is_passed_over():
    told = Told()
    told.diagnosed("inc-1", Portrait(words=("dns",)))
    told.diagnosed("inc-1", _portrait())
    told.diagnosed("inc-without-a-portrait", None)
    told.diagnosed("inc-of-another-release", None, diagnosis={"of": "another release"})
    assert [one.incident for one in _seen(_world(told)).alike] == ["inc-1"]


def test_runbooks_are_quoted_with_path_and_line_at_the_revision_that_was_applied():
    asked: list[str] = []

    def at(_: object, revision: str) -> Any:
        asked.append(revision)
        return library({"runbooks/cart.md": RUNBOOK, "runbooks/dns.md": b"# Names\n\nNobody resolves them.\n"})

    (passage,) = _seen(_world(runbooks=SimpleNamespace(at=at))).passages
    assert (passage.path, passage.line, passage.heading, asked) == ("runbooks/cart.md", 3, "Slow carts", ["tip"])


def test_what_fails_leaves_less_said_of_the_past_and_is_told_until_it_works_again():
    class Gone(HeldMemory):
        def mark(self) -> str:
            raise Retryable("the disk is full")

    def refused(*_: object) -> Any:
        raise Permanent("runbooks/link is a symlink")

    told = Told()
    told.diagnosed("inc-1", _portrait())
    world = _world(told, memory=Gone())
    found = _seen(world)
    assert (found.times, found.alike, len(found.passages)) == (1, (), 1)
    assert "the disk is full" in world.meters.faults()["memory"]
    world.memory, world.runbooks = HeldMemory(), SimpleNamespace(at=refused)
    found = _seen(world)
    assert (len(found.alike), found.passages) == (1, ())
    assert "symlink" in world.meters.faults()["memory"]
    world.runbooks = _world().runbooks
    assert _seen(world).passages
    assert world.meters.faults() == {}


def test_without_telemetry_it_is_recognised_by_words_alone():
    world = _world()
    world.telemetry.failing = True
    found = remembered(world, INCIDENT, FOUND)
    assert found.portrait
    assert (found.portrait.moved, "cart" in found.portrait.words) == ((), True)
    assert "telemetry did not answer" in world.meters.faults()["memory"]


def test_without_a_cause_the_past_is_not_counted():
    told = Told()
    told.diagnosed("inc-1", None)
    found = remembered(_world(told), INCIDENT, dataclasses.replace(FOUND, causes=()))
    assert found.seen
    assert found.seen.times == 0
