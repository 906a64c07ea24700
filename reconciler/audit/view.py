"""LogView: the log folded into the facts that decisions need, always up to date at the cost of what is new.

In: signed, checked entries of the log. Out: answers (verdicts of a head, admissions, merges without outcome, brakes and
holds in force, remembered patches, Operations, spending). It owns no fact: dropping a view and folding again from the
log gives the same answers, whatever happened to the store.

Invariants: folding is pure and in log order; a payload that does not fit its value is refused, never skipped, and so is one
that is missing from the log's newest months, because a brake that cannot be read must not count as none. What an answer
holds never changes again: threads that read an older one are not disturbed by the next fold.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.audit.facts import Brake, Hold, Merge, OperationEvent, Panic, Reviewed
from reconciler.audit.log import Log
from reconciler.errors import Permanent, Tampered
from reconciler.model.canonical import decode, plain
from reconciler.model.judging import Verdict
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.records import LoggedRecord, RecordKind
from reconciler.model.revisions import Admission, ChangeSet

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value and where the log says it."""

    index: int
    id: str  # record id
    clock_ms: int
    incident: str
    value: T


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the protected branch was seen last, and where the log says so."""

    index: int = -1
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A trusted person's yes to a rewritten branch at `head`, given when `applied` was applied; it holds for no other."""

    index: int = -1
    head: str = ""
    applied: str = ""


class Facts:
    """What the log says, by what it is asked for. Filled by `fold` alone."""

    def __init__(self) -> None:
        self.verdicts: dict[str, list[Fact[Verdict]]] = {}  # by head, oldest first
        self.admissions: dict[str, Fact[Admission]] = {}
        self.merges: dict[str, Fact[Merge]] = {}
        self.applies: dict[tuple[str, str], Fact[ChangeSet]] = {}  # newest by (target, unit)
        self.applied: dict[str, int] = {}  # revision -> position of its first successful apply
        self.tried_ms: dict[str, int] = {}  # revision -> when something of it was first applied, or tried to be, oldest first
        self.unit_applied: dict[tuple[str, str], dict[str, int]] = {}  # (target, unit) -> revision -> first time, oldest first
        # (target, unit) of which anything ever failed -> revision -> objects that were not applied when it was tried last
        self.unit_failed: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
        self.outcomes: dict[str, list[Fact[Outcome]]] = {}  # by commit, oldest first
        self.holds: dict[str, Fact[Hold]] = {}  # newest by scope
        self.brakes: dict[str, Fact[Brake]] = {}  # newest by id
        self.reviews: dict[int, list[Fact[Reviewed]]] = {}  # by pull request, oldest first
        self.panics: list[Fact[Panic]] = []
        self.operations: dict[str, list[Fact[OperationEvent]]] = {}
        self.diagnosed: dict[tuple[str, str], dict[str, int]] = {}  # (cause, component) -> incident -> first time, oldest first
        self.memories: dict[str, tuple[str, ...]] = {}  # patch that was proposed -> all it is remembered by
        self.remembered: dict[str, str] = {}  # patch that was undone -> commit that undid it
        self.reverted: dict[str, str] = {}  # commit -> commit that undid it
        self.tip = Tip()
        self.acceptance = Acceptance()  # the newest

    def copy(self) -> Facts:
        """The same facts, which a fold may add to without anybody else seeing it."""
        made = Facts()
        for name, known in vars(self).items():
            setattr(made, name, _copied(known))
        return made

    def verdict(self, head: str) -> Fact[Verdict] | None:
        """The newest verdict about a head."""
        found = self.verdicts.get(head)
        return found[-1] if found else None

    def braked(self, now_ms: int, scope: str = "") -> Fact[Brake] | None:
        """A brake in force for `scope`, None when there is none. A brake without a scope stops everything."""
        for fact in self.brakes.values():
            if fact.value.on and now_ms < fact.value.until_ms and fact.value.scope in ("", scope):
                return fact
        return None

    def suspended(self, now_ms: int, unit: str) -> str:
        """Who suspended a unit and why, in words; "" when nobody has."""
        for fact in self.brakes.values():
            brake = fact.value
            if brake.suspends and brake.on and now_ms < brake.until_ms and brake.scope == unit:
                return f"suspended by {brake.owner}: {brake.reason}; homeostat resume {unit} ends it"
        return ""

    def held(self, now_ms: int) -> list[Fact[Hold]]:
        """The holds in force."""
        return [f for f in self.holds.values() if not f.value.released and (f.value.until_ms == 0 or now_ms < f.value.until_ms)]

    def spending(self, since_ms: int) -> list[Fact[Merge]]:
        """Machine merges since then that count against budgets: reverts are on the fast lane and do not."""
        return [f for f in self.merges.values() if f.value.machine and f.clock_ms >= since_ms and not f.value.reverts]

    def without_outcome(self) -> list[Fact[Merge]]:
        """Machine merges that nobody has judged the effect of and nobody has undone: each must become a case again."""
        return [
            f
            for commit, f in self.merges.items()
            if f.value.machine and f.value.proposal and commit not in self.reverted and not self._final(commit)
        ]

    def found_worse(self, commit: str) -> str:
        """What the newest look at a commit said, when that was "worse"; "" otherwise."""
        known = self.outcomes.get(commit, ())
        return known[-1].value.summary if known and known[-1].value.state is OutcomeState.WORSE else ""

    def left_worse(self) -> list[Fact[Merge]]:
        """Machine repairs that were found worse in the end and that nobody has undone. Reverts are not undone by the machine."""
        return [
            f
            for commit, f in self.merges.items()
            if f.value.machine and f.value.proposal and not f.value.reverts
            and commit not in self.reverted and self._final(commit) and self.found_worse(commit)
        ]  # fmt: skip

    def _final(self, commit: str) -> bool:
        return any(fact.value.stage == "outcome" for fact in self.outcomes.get(commit, ()))

    def operation(self, operation_id: str) -> str:
        """The newest event of an Operation, "" when it never began."""
        found = self.operations.get(operation_id)
        return found[-1].value.event if found else ""


def _copied(known: object) -> object:
    if isinstance(known, dict):
        return {key: value.copy() if isinstance(value, list | dict) else value for key, value in known.items()}
    return known.copy() if isinstance(known, list) else known


class LogView:
    """Facts kept current. Safe for threads; one fold serves all of them."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._facts = Facts()
        self._next = 0
        self._lock = threading.Lock()

    @property
    def position(self) -> int:
        """How many entries are folded in."""
        return self._next

    def facts(self) -> Facts:
        """The facts as of the newest checkpoint."""
        with self._lock:
            size = self._log.size
            if self._next < size:
                found = self._facts.copy()
                for logged in self._log.records(self._next, kinds=_FOLDS, whole=True):
                    fold(found, logged)
                self._facts, self._next = found, max(self._next, size)
            return self._facts


def fold(facts: Facts, logged: LoggedRecord) -> None:
    """One entry into the facts. Kinds without consequences leave them as they are."""
    step = _FOLDS.get(logged.record.kind)
    if step is not None:
        step(facts, logged)


def _fact(logged: LoggedRecord, kind: type[T]) -> Fact[T]:
    record = logged.record
    try:
        value = decode(kind, plain(dict(record.payload)))
    except Permanent as error:
        raise Tampered(
            f"log entry {logged.index} ({record.kind.value}) does not fit: {error}", next_step="homeostat audit show"
        ) from error
    return Fact(logged.index, record.id, record.stamp.clock_ms, record.incident, value)


def _diagnosis(facts: Facts, logged: LoggedRecord) -> None:
    """Who was held responsible first. One that another release wrote otherwise counts for nothing: it binds nobody."""
    said = logged.record.payload.get("diagnosis")
    causes = said.get("causes") if isinstance(said, Mapping) else None
    top = causes[0] if isinstance(causes, list | tuple) and causes else None
    if isinstance(top, Mapping) and logged.record.incident:
        matter = str(top.get("kind", "")), str(top.get("component", ""))
        facts.diagnosed.setdefault(matter, {}).setdefault(logged.record.incident, logged.record.stamp.clock_ms)


def _proposal(facts: Facts, logged: LoggedRecord) -> None:
    """What an edit is remembered by, its patch first; one that another release wrote otherwise only by its patch."""
    said = logged.record.payload.get("memory")
    if isinstance(said, list | tuple) and said:
        facts.memories[str(said[0])] = tuple(str(one) for one in said)


def _verdict(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Verdict)
    facts.verdicts.setdefault(fact.value.subject.head, []).append(fact)


def _admission(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Admission)
    facts.admissions[fact.value.commit] = fact
    facts.tip = Tip(fact.index, fact.value.commit)


def _merge(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Merge)
    facts.merges[fact.value.commit] = fact
    if fact.value.reverts:
        _undone(facts, fact.value.reverts, fact.value.commit)


def _undone(facts: Facts, commit: str, by: str) -> None:
    """An undone repair's patch is remembered; an undone revert teaches nothing."""
    facts.reverted[commit] = by
    known = facts.merges.get(commit)
    if known is None:
        return
    if known.value.patch and not known.value.reverts:
        facts.remembered[known.value.patch] = by


def _apply(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, ChangeSet)
    place = fact.value.target, fact.value.unit
    facts.applies[place] = fact
    failed = frozenset(result.id for result in fact.value.results if not result.ok)
    if failed or place in facts.unit_failed:
        facts.unit_failed.setdefault(place, {})[fact.value.revision] = failed
    if fact.value.ok or fact.value.results:
        facts.tried_ms.setdefault(fact.value.revision, fact.clock_ms)
    if fact.value.ok:
        facts.applied.setdefault(fact.value.revision, fact.index)
        facts.unit_applied.setdefault(place, {}).setdefault(fact.value.revision, fact.clock_ms)


def _outcome(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Outcome)
    facts.outcomes.setdefault(fact.value.commit, []).append(fact)


def _hold(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Hold)
    facts.holds[fact.value.scope] = fact
    for patch in fact.value.patches:
        facts.remembered[patch] = fact.value.commit
    if fact.value.commit:
        for commit, merge in facts.merges.items():
            if merge.value.patch in fact.value.patches:
                facts.reverted.setdefault(commit, fact.value.commit)


def _brake(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Brake)
    facts.brakes[fact.value.id] = fact


def _review(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Reviewed)
    facts.reviews.setdefault(fact.value.number, []).append(fact)


def _panic(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, Panic)
    facts.panics.append(fact)
    for commit in fact.value.reverted:
        _undone(facts, commit, fact.value.commit)


def _operation(facts: Facts, logged: LoggedRecord) -> None:
    fact = _fact(logged, OperationEvent)
    facts.operations.setdefault(fact.value.id, []).append(fact)


def _seen(facts: Facts, logged: LoggedRecord) -> None:
    """A tip that was refused or returned to is seen as well, and one that was accepted is where the branch goes on from."""
    said = logged.record.payload
    if head := str(said.get("accepted", "")):
        facts.acceptance = Acceptance(logged.index, head, str(said.get("applied", "")))
    if seen := head or str(said.get("seen", "")):
        facts.tip = Tip(logged.index, seen)


_FOLDS: dict[RecordKind, Callable[[Facts, LoggedRecord], None]] = {
    RecordKind.DIAGNOSIS: _diagnosis,
    RecordKind.PROPOSAL: _proposal,
    RecordKind.VERDICT: _verdict,
    RecordKind.ADMISSION: _admission,
    RecordKind.MERGE: _merge,
    RecordKind.APPLY: _apply,
    RecordKind.OUTCOME: _outcome,
    RecordKind.HOLD: _hold,
    RecordKind.BRAKE: _brake,
    RecordKind.REVIEW: _review,
    RecordKind.PANIC: _panic,
    RecordKind.OPERATION: _operation,
    RecordKind.ALARM: _seen,
    RecordKind.CONFIGURED: _seen,
}
