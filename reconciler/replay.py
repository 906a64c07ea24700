"""Replay: an incident judged again from its record. The same inputs have to give the same verdict, byte for byte.

For each verdict on record: the policy files are read from Git at the base that was judged, the facts, ballots and reviews
from the record of what the judges were given. Nothing of the present is looked at. A difference means that a judge is
not pure, that the record was made by other rules than it names, or that the code has changed its mind: all worth knowing.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.audit.log import Log
from reconciler.changes.verdict import verdict as compose
from reconciler.errors import HomeostatError, Permanent
from reconciler.model import canonical
from reconciler.model.judging import Ballot, Verdict
from reconciler.model.proposals import Proposal
from reconciler.model.records import LoggedRecord, RecordKind
from reconciler.policy.facts import Facts
from reconciler.policy.judging import judge
from reconciler.ports.repo import Repo
from reconciler.steps.gather import Gathered
from reconciler.steps.judge import consensus_of
from reconciler.steps.rulebooks import Rulebooks


@dataclass(frozen=True, slots=True)
class Replayed:
    """One verdict, and what judging again says. `same` is about the canonical bytes."""

    index: int
    head: str
    effect: str
    again: str
    same: bool
    detail: str = ""


def replay(repo: Repo, log: Log, incident: str) -> tuple[Replayed, ...]:
    """Every verdict of an incident, oldest first."""
    given: dict[str, LoggedRecord] = {}
    found: list[Replayed] = []
    for logged in log.records(kinds=(RecordKind.BALLOTS, RecordKind.VERDICT), incident=incident):
        if logged.record.kind is RecordKind.BALLOTS:
            given[str(logged.record.payload["verdict"])] = logged
        else:
            found.append(_again(repo, logged, given.get(logged.record.id)))
    if not found:
        raise Permanent(f"the log holds no verdict about {incident!r}", next_step="homeostat audit log --kind verdict")
    return tuple(found)


def _again(repo: Repo, logged: LoggedRecord, inputs: LoggedRecord | None) -> Replayed:
    recorded = canonical.decode(Verdict, canonical.plain(dict(logged.record.payload)))
    head, effect = recorded.subject.head, recorded.effect.value
    if inputs is None:
        return Replayed(logged.index, head, effect, "", same=False, detail="what the judges were given is not in the log")
    try:
        made = _verdict(repo, recorded, inputs)
    except HomeostatError as error:
        return Replayed(logged.index, head, effect, "", same=False, detail=str(error))
    same = canonical.encode(made) == canonical.encode(recorded)
    return Replayed(logged.index, head, effect, made.effect.value, same, "" if same else _difference(recorded, made))


def _verdict(repo: Repo, recorded: Verdict, inputs: LoggedRecord) -> Verdict:
    payload = canonical.plain(dict(inputs.record.payload))
    if not isinstance(payload, dict):
        raise Permanent("what the judges were given cannot be read")
    proposal = canonical.decode(Proposal, payload["proposal"])
    facts = canonical.decode(Facts, payload["facts"])
    ballots = tuple(canonical.decode(Ballot, b) for b in payload["ballots"])  # type: ignore[union-attr]  # a list, or decode refuses
    books = Rulebooks(repo)
    rules = books.at(recorded.subject.base)
    if rules.policy.digest != recorded.subject.policy:
        raise Permanent("the policy files at the judged base are not those that the verdict names")
    gathered = Gathered(facts, facts.reviews)
    policy = judge(recorded.subject, proposal, facts, rules.policy, books.after(recorded.subject.head, facts))
    consensus = consensus_of(rules, recorded.subject, ballots, gathered, proposal, recorded.made_ms)
    return compose(recorded.subject, (policy, consensus), recorded.made_ms, recorded.approvers)


def _difference(recorded: Verdict, made: Verdict) -> str:
    before = {r.name: r for r in recorded.requirements}
    moved = [r.name for r in made.requirements if before.get(r.name) != r]
    gone = sorted(set(before) - {r.name for r in made.requirements})
    return f"requirements that differ: {', '.join([*moved, *gone]) or 'none; the effect or its reason does'}"
