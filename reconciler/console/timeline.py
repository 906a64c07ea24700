"""Timeline: records as people read them, one event each, in the words of the values that they hold.

In: logged records. Out: events made of plain text, for templates. A payload of another release, or one that does not
fit its value, is still shown by its plain fields: what happened must be visible even where it is not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from reconciler.audit.facts import Brake, Hold, Merge, Panic
from reconciler.audit.text import moment
from reconciler.changes.narrative import calls_in_words, seen_in_words
from reconciler.changes.wording import counted
from reconciler.errors import Permanent
from reconciler.model.canonical import decode
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.judging import Ballot, Status, Verdict
from reconciler.model.looks import Says, SecondLook
from reconciler.model.outcomes import Outcome
from reconciler.model.proposals import Proposal, Refusal
from reconciler.model.pulls import Review
from reconciler.model.records import LoggedRecord, RecordKind
from reconciler.model.revisions import Admission, ChangeSet
from reconciler.model.signals import Incident

T = TypeVar("T")
Payload = Mapping[str, Any]
MAX_ROWS = 40  # of one event; the record itself holds all

TONES = {
    "merge": "good", "better": "good", "approve": "good", "ok": "good", "applied": "good",
    "worse": "bad", "deny": "bad", "reject": "bad", "veto": "bad",
    "review": "warn", "wait": "warn", "shadow": "warn", "unknown": "warn", "abstain": "warn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One event in words: a sentence, then what supports it."""

    title: str
    tone: str = ""  # "good", "bad", "warn" or ""
    facts: tuple[tuple[str, str], ...] = ()
    bullets: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pull: int = 0
    more: str = ""  # the lines below the sentence, where it has some: an explanation in full


@dataclass(frozen=True, slots=True)
class Event:
    """A record with its place, both its times, and its words."""

    index: int
    kind: str
    wall: str
    clock_ms: int
    subject: str
    incident: str
    told: Told


def event(logged: LoggedRecord) -> Event:
    """Never fails on a payload: what cannot be told is listed."""
    record = logged.record
    teller = _TELLERS.get(record.kind)
    try:
        told = teller(record.payload) if teller else _plain(record.payload)
    except (Permanent, KeyError, TypeError, ValueError):
        told = _plain(record.payload)
    return Event(
        logged.index,
        record.kind.value,
        moment(record.stamp.wall_ms),
        record.stamp.clock_ms,
        record.subject,
        record.incident,
        told,
    )


def _value(kind: type[T], data: Any) -> T:
    return decode(kind, data)


def _lines(text: str) -> tuple[str, str]:
    """The sentence, and what stands below it."""
    first, _, rest = text.partition("\n")
    return first, rest.strip("\n")


def _plain(payload: Payload) -> Told:
    scalars = [
        (name, str(value)) for name, value in sorted(payload.items()) if isinstance(value, (str, int, bool)) and value != ""
    ]
    said = dict(scalars)
    title = next((said[name] for name in ("detail", "why", "reason", "summary") if name in said), "recorded")
    sentence, more = _lines(title)
    return Told(sentence[:300], facts=tuple((name, _lines(value)[0][:300]) for name, value in scalars[:MAX_ROWS]), more=more)


def _incident(payload: Payload) -> Told:
    found = _value(Incident, payload["incident"])
    rows = tuple((s.name, s.component, s.severity.value, s.source, s.value or "-") for s in found.signals[:MAX_ROWS])
    count = "1 signal" if found.count == 1 else f"{found.count} signals"
    about = ", ".join(found.components) or "no named component"
    table = Table("Signals when it opened", ("signal", "component", "severity", "source", "value"), rows)
    return Told(f"{found.severity.value}: {count} about {about}", "warn", tables=(table,))


def _diagnosis(payload: Payload) -> Told:
    found = _value(Diagnosis, payload["diagnosis"])
    causes = tuple((c.kind.value, c.component, c.confidence, c.commit[:12] or "-") for c in found.causes[:MAX_ROWS])
    evidence = found.top.evidence if found.top else ()
    table = Table("Causes, most likely first", ("cause", "component", "confidence", "commit"), causes)
    past = Table("Seen before", ("what is known",), tuple((text,) for text in seen_in_words(found.seen)))
    tables = ((table,) if causes else ()) + ((past,) if past.rows else ())
    bullets = (*(e.text for e in evidence[:MAX_ROWS]), *calls_in_words(found))
    return Told(found.summary, bullets=bullets, tables=tables)


def _second_look(payload: Payload) -> Told:
    found = _value(SecondLook, payload["look"])
    causes = tuple(f.text for f in found.findings if f.kind == "cause")
    tone = "bad" if found.doubts else "warn" if found.says is Says.FOUND else ""
    return Told(found.summary, tone, bullets=causes[:MAX_ROWS])


def _refusal(payload: Payload) -> Told:
    found = _value(Refusal, payload)
    where = (("where", found.where),) if found.where else ()
    return Told(f"{found.playbook} was not proposed: {found.detail}", "", (("reason", found.reason), *where))


def _proposal(payload: Payload) -> Told:
    found = _value(Proposal, payload["proposal"])
    effect = str(payload["effect"])
    checks = tuple(
        (c.component, c.metric, f"{c.direction} {c.bound}" if c.bound else f"better by {c.improve}")
        for c in found.expectation.checks[:MAX_ROWS]
    )
    facts = (
        ("playbook", found.playbook),
        ("policy says", f"{effect} ({payload['reason']})"),
        ("predicted", found.predicted),
        ("confidence", found.confidence),
        ("commit", str(payload["head"])[:12]),
    )
    table = Table("Evidence of success, named beforehand", ("component", "metric", "must be"), checks)
    return Told(found.title, TONES.get(effect, ""), facts, tables=(table,) if checks else ())


def ballots(payload: Payload) -> Table:
    """The votes that a verdict was made from."""
    found = [_value(Ballot, ballot) for ballot in payload["ballots"]]
    rows = tuple((b.voter, b.group, b.choice.value, "; ".join(b.reasons)) for b in found[:MAX_ROWS])
    return Table("Votes", ("voter", "group", "vote", "reasons"), rows)


def _ballots(payload: Payload) -> Told:
    table = ballots(payload)
    said = ", ".join(f"{row[0]} {row[2]}" for row in table.rows) or "nobody was asked: the fast lane"
    return Told(f"votes: {said}", tables=(table,) if table.rows else ())


def _verdict(payload: Payload) -> Told:
    found = _value(Verdict, payload)
    missing = tuple(f"{r.name}: {r.missing or r.expression}" for r in found.requirements if not r.passes)
    held = sum(r.status in (Status.SATISFIED, Status.OVERRIDDEN) for r in found.requirements)
    asked = sum(r.status is not Status.NOT_APPLICABLE for r in found.requirements)
    facts = tuple((d.judge.value, f"{d.effect.value} ({d.reason})") for d in found.decisions)
    approvers = (("approved by", ", ".join(found.approvers)),) if found.approvers else ()
    title = f"verdict: {found.effect.value} ({found.reason}); {held} of {asked} requirements hold"
    return Told(title, TONES.get(found.effect.value, ""), (*facts, *approvers), missing[:MAX_ROWS])


def _review(payload: Payload) -> Told:
    found = _value(Review, payload["review"])
    proof = "signed with their own key" if payload.get("signature_of_person") else "logged in on the page"
    said = (("said", found.text),) if found.text else ()
    facts = (("channel", f"{found.channel}, {proof}"), ("head", found.head[:12]), *said)
    number = int(payload["number"])
    title = f"{found.principal}: {found.choice.value} pull request {number}"
    return Told(title, TONES.get(found.choice.value, ""), facts, pull=number)


def _merge(payload: Payload) -> Told:
    found = _value(Merge, payload)
    undone = (("undoes", found.reverts[:12]),) if found.reverts else ()
    facts = (("playbook", found.playbook or "-"), ("onto", f"{found.branch} {found.base[:12]}"), *undone)
    return Told(f"{found.commit[:12]} landed on {found.branch}, by {found.by}", "good", facts, pull=found.number)


def _admission(payload: Payload) -> Told:
    found = _value(Admission, payload)
    warning = (("warning", found.warning),) if found.warning else ()
    whose = f" of {found.principal}" if found.principal else ""
    return Told(f"commit {found.commit[:12]}{whose} may be applied ({found.kind.value})", "", warning)


def _apply(payload: Payload) -> Told:
    found = _value(ChangeSet, payload)
    rows = tuple((r.id, r.verb.value, r.reason, r.detail) for r in found.results[:MAX_ROWS])
    table = Table("Objects", ("object", "verb", "result", "detail"), rows)
    title = f"{found.revision[:12]} on {found.target}, unit {found.unit}: {found.reason}"
    return Told(title, "good" if found.ok else "bad", tables=(table,) if rows else ())


def _outcome(payload: Payload) -> Told:
    found = _value(Outcome, payload)
    rows = tuple(
        (
            c.component,
            c.metric,
            c.before,
            c.after,
            c.bound,
            "held" if c.held else "did not hold",
            "neighbour" if c.control else "",
        )
        for c in found.comparisons[:MAX_ROWS]
    )
    columns = ("component", "metric", "before", "after", "bound", "result", "control")
    table = Table("Before and after", columns, rows)
    stage = "after a minute" if found.stage == "guard" else "outcome"
    return Told(f"{stage}: {found.summary}", TONES.get(found.state.value, ""), tables=(table,) if rows else ())


def _hold(payload: Payload) -> Told:
    found = _value(Hold, payload)
    return Told(f"{found.scope} is {'released' if found.released else 'held'} by {found.owner}: {found.reason}", "warn")


def _brake(payload: Payload) -> Told:
    found = _value(Brake, payload)
    about = f", which suspends unit {found.scope}," if found.suspends else ""
    return Told(f"{found.id}{about} is {'on' if found.on else 'off'} by {found.owner}: {found.reason}", "warn")


def _panic(payload: Payload) -> Told:
    found = _value(Panic, payload)
    left = tuple(f"left {commit[:12]}: {why}" for commit, why in found.skipped)
    undone = tuple(f"undone {commit[:12]}" for commit in found.reverted)
    return Told(f"panic by {found.by}: {counted(len(undone), 'commit')} undone", "bad", bullets=(*undone, *left)[:MAX_ROWS])


def _closed(payload: Payload) -> Told:
    reason = str(payload["reason"])
    sentence, more = _lines(str(payload["detail"]))
    title = f"the case is over ({reason}): {sentence}"
    return Told(title, TONES.get(reason, ""), pull=int(payload.get("pull", 0)), more=more)


_TELLERS: Mapping[RecordKind, Callable[[Payload], Told]] = {
    RecordKind.INCIDENT: _incident,
    RecordKind.DIAGNOSIS: _diagnosis,
    RecordKind.SECOND_LOOK: _second_look,
    RecordKind.REFUSAL: _refusal,
    RecordKind.PROPOSAL: _proposal,
    RecordKind.BALLOTS: _ballots,
    RecordKind.VERDICT: _verdict,
    RecordKind.REVIEW: _review,
    RecordKind.MERGE: _merge,
    RecordKind.ADMISSION: _admission,
    RecordKind.APPLY: _apply,
    RecordKind.OUTCOME: _outcome,
    RecordKind.HOLD: _hold,
    RecordKind.BRAKE: _brake,
    RecordKind.PANIC: _panic,
    RecordKind.CLOSED: _closed,
}


def events(entries: Sequence[LoggedRecord]) -> tuple[Event, ...]:
    return tuple(event(logged) for logged in entries)
