"""Overview: what the first page shows, from facts, cases and pull requests, each list with its bound.

In: the world. Out: one frozen value for the template. What waits for a person comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.audit.facts import Brake, Hold, Merge
from reconciler.audit.view import Fact, Facts
from reconciler.commands.brakes import hold_id
from reconciler.console.index import RecordIndex
from reconciler.console.timeline import Event, events
from reconciler.model.cases import QUIET_ENDS, Case, Stage
from reconciler.model.judging import Effect
from reconciler.model.maintenance import NOTED as MAINTENANCE
from reconciler.model.maintenance import MaintenanceWindow
from reconciler.model.maintenance import noted as maintenance
from reconciler.model.notices import Noticed
from reconciler.model.objectives import Budget
from reconciler.model.operations import Unfinished
from reconciler.model.pulls import PullRequest, PullState
from reconciler.model.records import RecordKind
from reconciler.model.scores import SystemScore
from reconciler.ports.forge import Alarm
from reconciler.steps.world import World

MAX_CASES = 50
MAX_REPAIRS = 15
MAX_BUDGETS = 50
MAX_NOTICED = 10
MAX_OPERATIONS = 20
MAX_ENDED = 10
MAX_ALARMS = 5


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in a list."""

    id: str
    about: str
    stage: str
    reason: str
    detail: str
    opened_ms: int
    pull: int


@dataclass(frozen=True, slots=True)
class Repair:
    """One machine merge and what came of it."""

    fact: Fact[Merge]
    title: str
    outcome: str  # "better", "worse", "unknown", "" when it is not known yet
    summary: str
    undone_by: str


@dataclass(frozen=True, slots=True)
class Overview:
    waiting: tuple[PullRequest, ...]
    cases: tuple[CaseLine, ...]
    ended: tuple[CaseLine, ...]
    brakes: tuple[Brake, ...]
    holds: tuple[tuple[str, Hold], ...]
    maintenance: tuple[MaintenanceWindow, ...]  # that is open
    operations: tuple[Unfinished, ...]  # one-shot acts that are not over
    score: SystemScore | None  # how well the whole is, None while that is not known
    budgets: tuple[Budget, ...]
    noticed: tuple[Noticed, ...]
    repairs: tuple[Repair, ...]
    alarms: tuple[Event, ...]
    unproven: tuple[Alarm, ...]  # what the forge leaves out
    faults: tuple[tuple[str, str], ...]
    refused: str  # why the protected branch is not followed
    applied: str
    head: str
    settled: bool
    records: int


def overview(world: World, records: RecordIndex) -> Overview:
    """One look at everything; no part of it waits for the loop."""
    pulls = world.forge.list(PullState.OPEN.value)
    cursor, head = world.cursor, world.head()
    ledger = world.ledger.facts()
    recent = [case for case in world.store.cases(limit=200) if case.stage is Stage.DONE]
    return Overview(
        waiting=tuple(p for p in pulls if p.effect == Effect.REVIEW.value)[:MAX_CASES],
        cases=tuple(_line(case) for case in world.store.cases(open_only=True, limit=MAX_CASES)),
        ended=tuple(_line(case) for case in recent if case.reason not in QUIET_ENDS)[:MAX_ENDED],
        brakes=brakes_in_force(world),
        holds=holds_in_force(world),
        maintenance=maintenance(world.store.noted(MAINTENANCE), world.clock.now()),
        operations=tuple(one for _, one in sorted(world.cursor.unfinished.items()))[:MAX_OPERATIONS],
        score=world.cursor.score,
        budgets=world.cursor.budgets[:MAX_BUDGETS],
        noticed=world.cursor.attending.now[:MAX_NOTICED],
        repairs=tuple(_repair(world, fact) for fact in _newest(ledger)),
        alarms=events(records.read(records.kind(RecordKind.ALARM)[-MAX_ALARMS:][::-1])),
        unproven=tuple(world.forge.alarms())[:MAX_ALARMS],
        faults=tuple(sorted(world.meters.faults().items())),
        refused=cursor.refused[1],
        applied=cursor.applied or "",
        head=head,
        settled=bool(head) and head == cursor.applied and not cursor.pending,
        records=world.ledger.position,
    )


def brakes_in_force(world: World) -> tuple[Brake, ...]:
    """From a copy: the loop folds new records while pages are made."""
    now = world.clock.now()
    found = list(world.ledger.facts().brakes.values())
    return tuple(f.value for f in found if f.value.on and now < f.value.until_ms)


def holds_in_force(world: World) -> tuple[tuple[str, Hold], ...]:
    """By the id that people use; from a copy, too."""
    now = world.clock.now()
    found = [f for f in list(world.ledger.facts().holds.values()) if not f.value.released]
    return tuple((hold_id(f), f.value) for f in found if f.value.until_ms == 0 or now < f.value.until_ms)


def _newest(ledger: Facts) -> list[Fact[Merge]]:
    """What a panic did is no repair: nobody observes what comes of it."""
    undoing = {fact.value.commit for fact in list(ledger.panics)}
    merges = [f for f in list(ledger.merges.values()) if f.value.machine and f.value.commit not in undoing]
    return sorted(merges, key=lambda f: f.index, reverse=True)[:MAX_REPAIRS]


def _repair(world: World, fact: Fact[Merge]) -> Repair:
    ledger = world.ledger.facts()
    outcomes = ledger.outcomes.get(fact.value.commit, [])
    newest = outcomes[-1].value if outcomes else None
    final = newest is not None and (newest.stage == "outcome" or newest.state.value == "worse")
    title = str(fact.value.proposal.get("title", "")) or fact.value.playbook or fact.value.commit[:12]
    return Repair(
        fact,
        title,
        newest.state.value if newest and final else "",
        newest.summary.removeprefix(f"{newest.state.value}: ") if newest else "",
        ledger.reverted.get(fact.value.commit, ""),
    )


def _line(case: Case) -> CaseLine:
    """From the row itself: a row of another release is listed, too."""
    incident = case.data.get("incident")
    told = incident.get("components") if isinstance(incident, dict) else None
    components = told if isinstance(told, list) else []
    pull = case.data.get("pull", 0)
    return CaseLine(
        case.id,
        ", ".join(str(name) for name in components[:5]) or "no named component",
        case.stage.value,
        case.reason,
        case.detail,
        case.opened_ms,
        pull if isinstance(pull, int) else 0,
    )
