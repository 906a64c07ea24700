"""`homeostat status`: what waits for you first, then what is open, what stands in the way, what was done."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.cli.common import answer, looking
from reconciler.model.cases import QUIET_ENDS, Stage
from reconciler.model.findings import FORESIGHT
from reconciler.model.judging import Effect
from reconciler.model.maintenance import NOTED as MAINTENANCE
from reconciler.model.maintenance import noted as maintenance
from reconciler.model.notices import NOTED as ATTENTION
from reconciler.model.notices import noted as notices
from reconciler.model.objectives import NOTED, noted
from reconciler.model.operations import ENDS
from reconciler.model.operations import NOTED as OPERATIONS
from reconciler.model.operations import noted as operations
from reconciler.model.records import RecordKind
from reconciler.model.scores import NOTED as SCORE
from reconciler.model.scores import noted as score

if TYPE_CHECKING:
    from reconciler.audit.facts import Merge
    from reconciler.audit.view import Fact
    from reconciler.bootstrap.opening import Running
    from reconciler.bootstrap.reading import Reading
    from reconciler.model.cases import Case
    from reconciler.model.operations import Unfinished
    from reconciler.model.pulls import PullRequest
    from reconciler.model.records import LoggedRecord

RECENT = 10
ALARMS = 3
ENDED = 5
LOOKED_AT = 200  # of the newest cases
ENDED_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that only a person can move on, and the command that does."""

    about: str
    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Repair:
    """One machine merge and what came of it."""

    commit: str
    playbook: str
    component: str
    by: str
    merged_ms: int
    applied: bool
    outcome: str  # "better", "worse", "unknown"; "" while nothing is known
    summary: str
    undone_by: str
    undoes: str
    number: int


def status(arguments: argparse.Namespace) -> int:
    """Everything at a glance; works with and without a running controller."""
    from reconciler.bootstrap.opening import read_running
    from reconciler.cli.status_text import text

    with looking(arguments) as home:
        seen = _seen(home, read_running(home.home))
        answer(arguments, seen, text(seen, home.clock))
    return 0


def _seen(home: Reading, running: Running | None) -> dict[str, Any]:
    return {
        "home": str(home.home.root),
        "repository": home.pinned.repository,
        "branch": home.pinned.branch,
        "head": home.head,
        "applied": home.applied(),
        "running": running,
        "clock_ms": home.clock.now(),
        "waiting": list(_waiting(home)),
        "cases": [_case(case) for case in home.cases(open_only=True)],
        "ended": [_case(case) for case in _ended(home)],
        "pull_requests": [_pull(pull) for pull in home.forge.list("open")],
        "brakes": home.brakes(),
        "holds": dict(home.holds()),
        "maintenance": maintenance(home.store.noted(MAINTENANCE), home.clock.now()) if home.store else (),
        "operations": _operations(home),
        "units": _units(home),
        "health": score(home.store.noted(SCORE)) if home.store else None,
        "foresight": home.store.noted(FORESIGHT) if home.store else "",
        "objectives": noted(home.store.noted(NOTED)) if home.store else (),
        "attention": notices(home.store.noted(ATTENTION)) if home.store else (),
        "alarms": _alarms(home),
        "repairs": _repairs(home),
        "records": home.log.size,
        "store": home.trouble or "ok",
    }


def _waiting(home: Reading) -> Iterator[Waiting]:
    """Most urgent first: what stops everything, then what stops one repair."""
    if not home.head:
        yield Waiting("branch", f"{home.pinned.branch} was deleted: nothing is followed", "git push it again")
    elif refused := _refused(home):
        yield Waiting("branch", refused, f"homeostat why {home.head[:12]}")
    if home.trouble:
        yield Waiting("store", home.trouble, "homeostat up")
    for alarm in home.forge.alarms():
        look = f"git --git-dir {home.home.repository} log {alarm.where}"
        yield Waiting("forge", f"{alarm.where} proves nothing and is left out: {alarm.what}", look)
    for pull in home.forge.list("open"):
        if pull.effect == Effect.REVIEW.value:
            missing = "; ".join(dict.fromkeys(r.missing or r.name for r in pull.requirements if not r.passes))
            yield Waiting(
                f"#{pull.number}", f"{pull.narrative.title}: {missing or pull.reason}", f"homeostat pr show {pull.number}"
            )


def _refused(home: Reading) -> str:
    """Why the tip is not followed, from the newest alarm about it; "" when it is."""
    told = list(home.log.records(kinds=(RecordKind.ALARM,), subject=home.head))
    since = list(home.log.records(kinds=(RecordKind.CONFIGURED,), subject=home.head))  # accepted, or back after a rewrite
    if not told or (since and since[-1].index > told[-1].index):
        return ""
    said = told[-1].record.payload
    if home.head == home.applied() and said.get("seen"):
        return ""  # it could not be followed then; a rewritten branch can be at what is applied and still wait
    return str(said.get("why", "it is not followed"))


def _alarms(home: Reading) -> list[dict[str, object]]:
    found = list(home.log.records(kinds=(RecordKind.ALARM,)))[-ALARMS:]
    return [_alarm(entry) for entry in reversed(found)]


def _alarm(entry: LoggedRecord) -> dict[str, object]:
    said = entry.record.payload
    text = next((str(said[name]) for name in ("why", "tampered", "detail") if said.get(name)), "see the record")
    return {"index": entry.index, "subject": entry.record.subject, "clock_ms": entry.record.stamp.clock_ms, "text": text}


def _case(case: Case) -> dict[str, object]:
    """From the row itself: a row of another release is listed, too."""
    incident = case.data.get("incident")
    told = incident.get("components") if isinstance(incident, dict) else None
    components = told if isinstance(told, list) else []
    return {
        "id": case.id,
        "stage": case.stage.value,
        "reason": case.reason,
        "detail": case.detail,
        "about": ", ".join(str(c) for c in components),
        "opened_ms": case.opened_ms,
        "pull_request": case.data.get("pull", 0),
    }


def _ended(home: Reading) -> list[Case]:
    """Incidents of the last day that ended without a repair: a person was paged, and nothing else here would tell of it."""
    since = home.clock.now() - ENDED_MS
    recent = home.store.cases(limit=LOOKED_AT) if home.store else ()
    loud = [case for case in recent if case.stage is Stage.DONE and case.reason not in QUIET_ENDS and case.opened_ms >= since]
    return sorted(loud, key=lambda case: (-case.opened_ms, case.id))[:ENDED]


def _operations(home: Reading) -> tuple[Unfinished, ...]:
    """One-shot acts that are not over, as the loop said last; the log knows which have ended since."""
    facts = home.ledger.facts()
    told = operations(home.store.noted(OPERATIONS)) if home.store else ()
    return tuple(one for one in told if facts.operation(one.id) not in ENDS)


def _units(home: Reading) -> list[dict[str, object]]:
    """Units whose newest apply did not succeed."""
    found = [fact.value for fact in home.ledger.facts().applies.values() if not fact.value.ok]
    return [
        {
            "unit": one.unit,
            "target": one.target,
            "reason": one.reason,
            "revision": one.revision,
            "detail": "; ".join(f"{r.id}: {r.detail or r.reason}" for r in one.results if not r.ok),
        }
        for one in found
    ]


def _pull(pull: PullRequest) -> dict[str, object]:
    return {
        "number": pull.number,
        "title": pull.narrative.title,
        "effect": pull.effect,
        "reason": pull.reason,
        "head": pull.head,
        "opened_ms": pull.opened_ms,
    }


def _repairs(home: Reading) -> list[Repair]:
    """Machine merges, newest first."""
    undoing = {fact.value.commit for fact in home.ledger.facts().panics}  # what a panic did is no repair
    merges = [f for f in home.ledger.facts().merges.values() if f.value.machine and f.value.commit not in undoing]
    return [_repair(home, fact) for fact in sorted(merges, key=lambda f: f.index, reverse=True)[:RECENT]]


def _repair(home: Reading, fact: Fact[Merge]) -> Repair:
    facts, merge = home.ledger.facts(), fact.value
    outcomes = facts.outcomes.get(merge.commit, [])
    newest = outcomes[-1].value if outcomes else None
    return Repair(
        commit=merge.commit, playbook=merge.playbook, component=merge.component, by=merge.by, merged_ms=fact.clock_ms,
        applied=merge.commit in facts.applied, outcome=newest.state.value if newest else "",
        summary=newest.summary if newest else "", undone_by=facts.reverted.get(merge.commit, ""), undoes=merge.reverts,
        number=merge.number,
    )  # fmt: skip
