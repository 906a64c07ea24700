"""Intake: accepted signals become incidents, incidents become cases; a review wakes the case that waits for
it, and so does an answer of the analysis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from reconciler.model.cases import Case, Stage
from reconciler.model.records import RecordKind
from reconciler.signals import Action, Drop, Join, Open, OpenIncident, Scope, group
from reconciler.steps.progress import Progress, data, progress, readable
from reconciler.steps.world import World

PULLS = "refs/homeostat/pr/"
LISTENING = (Stage.TRIAGE, Stage.DIAGNOSE)
HEARING = (*LISTENING, Stage.PROPOSE, Stage.OPEN, Stage.JUDGE)


def take_in(world: World) -> bool:
    """One pass over what was accepted and not yet grouped."""
    woken = _wake_answered(world) | _wake_reviewed(world)
    pending = world.store.pending_signals()
    if not pending:
        return woken
    if world.analyst:
        world.analyst.prepare()  # while they are grouped and held
    opened = world.store.cases(open_only=True)
    cases = [case for case in opened if readable(case)]
    _wake(world, [case for case in opened if not readable(case)])  # set aside before a new case meets its pull request
    incidents = [OpenIncident(progress(case).incident, case.stage in LISTENING, case.stage in HEARING) for case in cases]
    spec = world.applied_rulebook().installation.spec
    scope = Scope(world.repository, spec.targets[0].name)
    actions = group(pending, incidents, world.telemetry.topology(), world.clock.now(), scope, spec.grouping)
    done = [_do(world, action, cases) for action in actions]
    return any(done) or woken


def _do(world: World, action: Action, cases: Sequence[Case]) -> bool:
    if isinstance(action, Open):
        incident = action.incident
        case = Case(
            incident.id, incident.repository, incident.target, incident.fingerprint, Stage.TRIAGE, world.clock.now(),
            incident.opened_ms, data(Progress(incident)),
        )  # fmt: skip
        record = world.record(RecordKind.INCIDENT, incident.id, {"incident": incident}, subject=incident.id, incident=incident.id)
        return world.store.open_case(case, action.signals, (record,))
    if isinstance(action, Join):
        known = next((c.id for c in cases if progress(c).incident.id == action.incident.id), action.incident.id)
        held = world.store.case(known)  # as it is now: this very pass may have opened it, or joined others to it
        if held is None:
            return False
        found = dataclasses.replace(progress(held), incident=action.incident)
        return world.store.join(dataclasses.replace(held, data=data(found)), action.signals)
    if isinstance(action, Drop):
        world.store.drop_signals(action.signals, action.reason.value)
        world.meters.blocked(f"signal-{action.reason.value}")
        return True
    return False  # Hold: the signals stay pending


def _wake_answered(world: World) -> bool:
    """Cases that wait for the analysis are due now, once it has said something new."""
    before, world.cursor.answered = world.cursor.answered, world.analyst.answered if world.analyst else 0
    if world.cursor.answered == before:
        return False
    cases = (case for case in world.store.cases(open_only=True) if case.stage is Stage.DIAGNOSE)
    return _wake(world, [case for case in cases if readable(case) and progress(case).asked_ms])


def _wake_reviewed(world: World) -> bool:
    """Cases whose pull request was touched by somebody since the last turn are due now."""
    tips = dict(world.repo.refs(PULLS))
    before = world.cursor.pulls
    world.cursor.pulls = tips
    touched = {ref for ref, tip in tips.items() if before is not None and before.get(ref) != tip}
    if not touched:
        return False
    numbers = {int(ref.removeprefix(PULLS)) for ref in touched if ref.removeprefix(PULLS).isdigit()}
    waiting = [c for c in world.store.cases(open_only=True) if c.stage is Stage.JUDGE and c.data.get("pull") in numbers]
    return _wake(world, waiting)


def _wake(world: World, cases: Sequence[Case]) -> bool:
    now = world.clock.now()
    woken = [world.store.commit(dataclasses.replace(case, due_ms=now), ()) for case in cases if case.due_ms > now]
    return any(woken)
