"""The payloads of records that later decisions depend on, and the functions that make those records.

In: what a stage decided, with the stamp of the Clock. Out: a Record whose key says what can happen only once, so that a
step that runs twice writes once. `view` reads the same values back; a payload that does not fit is refused there.
Kinds that nothing depends on (incidents, diagnoses, ballots, alarms) take any payload through `record`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.canonical import digest, plain
from reconciler.model.judging import Verdict
from reconciler.model.outcomes import Outcome
from reconciler.model.pulls import Review
from reconciler.model.records import Record, RecordKind, Stamp
from reconciler.model.revisions import Admission, ChangeSet

MACHINE_PRINCIPAL = "homeostat"  # who merges when no person does


@dataclass(frozen=True, slots=True)
class Merge:
    """A commit landed on the protected branch. `proposal` is the whole proposal, so that a lost case can be rebuilt."""

    repository: str
    branch: str
    commit: str
    base: str
    verdict: str  # record id of the verdict that let it land
    by: str  # principal; the machine's own name when it merged by itself
    machine: bool  # whether the commit is machine-made
    number: int = 0
    patch: str = ""
    playbook: str = ""
    component: str = ""
    units: tuple[str, ...] = ()
    fingerprint: str = ""
    reverts: str = ""  # the commit this one undoes
    proposal: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hold:
    """Keeps the machine away from `scope` (a component, unit or path) until `until_ms`; 0 means until released."""

    scope: str
    owner: str
    reason: str
    until_ms: int = 0
    patches: tuple[str, ...] = ()  # not to be proposed again
    commit: str = ""  # the person's revert that placed it
    released: bool = False


@dataclass(frozen=True, slots=True)
class Brake:
    """An owned, expiring stop of machine merges, Operations and drift correction. `on=False` lifts the brake `id`.

    One that `suspends` stops people's merges, too: nothing of the unit `scope` is applied, corrected or pruned.
    """

    id: str
    owner: str
    reason: str
    until_ms: int
    scope: str = ""  # "" is everything
    on: bool = True
    suspends: bool = False


@dataclass(frozen=True, slots=True)
class Panic:
    """One panic: what its commit undid, and what it had to leave, with the reason."""

    by: str
    since_ms: int
    commit: str  # "" when nothing was left to undo
    reverted: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()


BEGUN = "started"  # the event of an Operation that acts from now on


@dataclass(frozen=True, slots=True)
class OperationEvent:
    """One step in the life of a one-shot Operation: started, finished, or unknown after a crash."""

    id: str
    event: str
    commit: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A person's review as it was recorded; the signature is their own where they had a key at hand."""

    number: int
    review: Review
    signature_of_person: str = ""


def record(kind: RecordKind, key: str, stamp: Stamp, payload: Any, *, subject: str = "", incident: str = "") -> Record:
    """Any record. `payload` is an object or a frozen value; `key` is completed with the kind."""
    found = plain(payload)
    if not isinstance(found, dict):
        found = {"value": found}
    return Record(kind, f"{kind.value}/{key}", subject, incident, stamp, found)


def verdict_record(verdict: Verdict, stamp: Stamp, incident: str = "") -> Record:
    """The same verdict (time included) is one record; a later one about the same head is another."""
    subject = verdict.subject
    key = f"{subject.repository}/{subject.head}/{subject.policy}/{digest(verdict)[7:23]}"
    return record(RecordKind.VERDICT, key, stamp, verdict, subject=subject.head, incident=incident)


def admission_record(repository: str, admission: Admission, stamp: Stamp) -> Record:
    key = f"{repository}/{admission.commit}"
    return record(RecordKind.ADMISSION, key, stamp, admission, subject=admission.commit)


def merge_record(merge: Merge, stamp: Stamp, incident: str = "") -> Record:
    return record(RecordKind.MERGE, f"{merge.repository}/{merge.commit}", stamp, merge, subject=merge.commit, incident=incident)


def apply_record(done: ChangeSet, stamp: Stamp, incident: str = "") -> Record:
    """One per generation and result: a failed apply and its later success are two records."""
    key = f"{done.target}/{done.unit}/{done.generation}/{done.revision}/{digest(done)[7:23]}"
    return record(RecordKind.APPLY, key, stamp, done, subject=done.revision, incident=incident)


def outcome_record(outcome: Outcome, stamp: Stamp, incident: str = "") -> Record:
    """One guard and one outcome per commit; an unknown that is looked at again later has its own time."""
    key = f"{outcome.commit}/{outcome.stage}/{outcome.state.value}/{outcome.made_ms}"
    return record(RecordKind.OUTCOME, key, stamp, outcome, subject=outcome.commit, incident=incident)


def hold_record(hold: Hold, stamp: Stamp) -> Record:
    return record(RecordKind.HOLD, f"{hold.scope}/{stamp.clock_ms}/{digest(hold)[7:23]}", stamp, hold, subject=hold.scope)


def brake_record(brake: Brake, stamp: Stamp) -> Record:
    return record(RecordKind.BRAKE, f"{brake.id}/{'on' if brake.on else 'off'}", stamp, brake, subject=brake.id)


def panic_record(panic: Panic, stamp: Stamp) -> Record:
    return record(RecordKind.PANIC, f"{panic.commit or stamp.clock_ms}", stamp, panic, subject=panic.commit)


def operation_record(event: OperationEvent, stamp: Stamp, incident: str = "") -> Record:
    return record(RecordKind.OPERATION, f"{event.id}/{event.event}", stamp, event, subject=event.id, incident=incident)
