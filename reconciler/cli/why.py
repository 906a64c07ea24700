"""`homeostat why SUBJECT`: an incident, a pull request or a commit, told in order from the signed log.

The words are those of the operator's page. What the log does not hold yet (a step on its way) is told from the case's
row and says so. Works without a running controller.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.cli.common import answer, looking
from reconciler.cli.words import requirements
from reconciler.errors import Permanent

if TYPE_CHECKING:
    from reconciler.audit.view import Fact
    from reconciler.bootstrap.reading import Reading
    from reconciler.console.timeline import Event
    from reconciler.model.judging import Verdict

LOOK_BACK = 2_000  # commits of the branch that an abbreviation is looked for in
_HEX = re.compile(r"[0-9a-f]{4,40}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked about: the incident, the commits and the pull request that belong together."""

    incident: str = ""
    commits: tuple[str, ...] = ()
    number: int = 0


def run(arguments: argparse.Namespace) -> int:
    """What happened, in order, with reasons; who did it, and which record proves it."""
    from reconciler.console.index import RecordIndex
    from reconciler.console.timeline import events

    with looking(arguments) as home:
        index = RecordIndex(home.log)
        subject = _find(home, arguments.subject.strip())
        positions = set(index.incident(subject.incident)) if subject.incident else set()
        for commit in subject.commits:
            positions.update(index.subject(commit))
        told = events(index.read(sorted(positions)))
        verdict = _verdict(home, subject)
        case = home.case(subject.incident) if subject.incident else None
        value = {
            "subject": subject,
            "events": told,
            "verdict": verdict.value if verdict else None,
            "case": {"stage": case.stage.value, "reason": case.reason, "detail": case.detail} if case else None,
        }
        now = f"now\n  {case.stage.value}: {case.detail or case.reason}" if case and case.stage.value != "done" else ""
        answer(
            arguments, value, "\n\n".join(part for part in (_title(home, subject), _story(told), _table(verdict), now) if part)
        )
    return 0


def _find(home: Reading, wanted: str) -> Subject:
    """1. a pull request's number, 2. an incident, 3. a commit or its beginning."""
    if wanted.lstrip("#").isdigit() and len(wanted) < 7 and (pull := home.forge.get(int(wanted.lstrip("#")))):
        return Subject(pull.narrative.incident, tuple(dict.fromkeys(c for c in (pull.head, pull.merged) if c)), pull.number)
    if home.case(wanted) is not None or next(iter(home.log.records(incident=wanted)), None) is not None:
        return _incident(home, wanted)
    return _commit(home, wanted.lower())


def _incident(home: Reading, incident: str) -> Subject:
    merges = [f for f in home.ledger.facts().merges.values() if f.incident == incident]
    heads = [
        f.subject.head
        for found in home.ledger.facts().verdicts.values()
        for f in (found[-1].value,)
        if found[-1].incident == incident
    ]
    commits = tuple(dict.fromkeys([*heads, *(f.value.commit for f in merges)]))
    return Subject(incident, commits, max((f.value.number for f in merges), default=0))


def _commit(home: Reading, wanted: str) -> Subject:
    if not _HEX.fullmatch(wanted):
        raise Permanent(
            f"{wanted!r} is no incident, pull request or commit that is known here",
            next_step="homeostat status, homeostat pr list, git log",
        )
    facts = home.ledger.facts()
    known = {i.id for i in home.repo.history(home.head, limit=LOOK_BACK)} if home.head else set()
    known |= {*facts.verdicts, *facts.merges, *facts.admissions, *(p.head for p in home.forge.list())}
    found = sorted(commit for commit in known if commit.startswith(wanted))
    if not found:
        raise Permanent(f"no commit begins with {wanted}", next_step="give more of its id, from git log")
    if len(found) > 1:
        raise Permanent(f"{len(found)} commits begin with {wanted}", next_step=f"one of {', '.join(c[:16] for c in found[:5])}")
    merge, judged = facts.merges.get(found[0]), facts.verdict(found[0])
    incident = merge.incident if merge else judged.incident if judged else ""
    undone = facts.reverted.get(found[0], "")
    return Subject(incident, tuple(c for c in (found[0], undone) if c), merge.value.number if merge else 0)


def _verdict(home: Reading, subject: Subject) -> Fact[Verdict] | None:
    """The newest about any of its commits."""
    facts = home.ledger.facts()
    found = [fact for commit in subject.commits if (fact := facts.verdict(commit))]
    return max(found, key=lambda fact: fact.index, default=None)


def _title(home: Reading, subject: Subject) -> str:
    lines = [f"incident {subject.incident}"] if subject.incident else []
    if subject.number and (pull := home.forge.get(subject.number)):
        lines.append(f"#{pull.number} {pull.narrative.title} ({pull.state.value})")
    infos = [info for commit in subject.commits if (info := home.repo.commit(commit))]
    lines += [f"commit {i.id[:12]} by {i.author_name} <{i.author_email}>: {i.subject}" for i in infos]
    return "\n".join(lines)


def _story(told: tuple[Event, ...]) -> str:
    if not told:
        return "the log holds nothing about it yet; is the controller running? homeostat status"
    lines = []
    for event in told:
        lines.append(f"  {event.wall}  {event.told.title}   [record {event.index}]")
        lines += [f"      {name}: {text}" for name, text in event.told.facts]
        lines += [f"      - {text}" for text in event.told.bullets]
        for part in event.told.tables:
            lines += [f"      {' | '.join(cell for cell in row if cell)}" for row in part.rows]
    return "\n".join(["what happened", *lines])


def _table(verdict: Fact[Verdict] | None) -> str:
    if verdict is None:
        return ""
    found = verdict.value
    head = f"verdict on {found.subject.head[:12]}: {found.effect.value} ({found.reason}), record {verdict.index}"
    return f"{head}\n{requirements(found.requirements)}"
