"""Diagnose: what most likely broke. Looks a few times while the data does not say, then says so and pages."""

from __future__ import annotations

import dataclasses
import functools
import itertools

from reconciler.diagnosis import Applied, Files, ended, workload_causes
from reconciler.diagnosis import diagnose as find_causes
from reconciler.errors import Retryable
from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Cause
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.model.signals import Incident
from reconciler.model.troubles import Trouble
from reconciler.steps import examining
from reconciler.steps.attending import beside
from reconciler.steps.company import repairing, settling
from reconciler.steps.endings import page_and_end
from reconciler.steps.foreseeing import abandoned, foretold
from reconciler.steps.progress import data, progress, step
from reconciler.steps.remembering import remembered
from reconciler.steps.telling import told_of
from reconciler.steps.triage import LOOK_AGAIN_MS
from reconciler.steps.world import Advance, World

ELSEWHERE_MS = 60_000
RECENT_MS = 3_600_000
LONGEST_MS = 86_400_000  # what stands longer is not traced to its commit any more
ANALYSIS_MS = 1_000  # between two looks whether the analysis is done
LOOKS = 6  # 90 s: three shift windows


def diagnose(world: World, case: Case) -> Advance:
    """DIAGNOSE: to PROPOSE with a named cause, to DONE with a page, or look again."""
    found = progress(case)
    now = world.clock.now()
    over = abandoned(world, found.incident) or ended(found.incident)  # triage then ends it
    if over or (other := settling(world, case)):
        told = over or f"waits: the repair of {other} takes effect just now"
        left, due = dataclasses.replace(found, asked_ms=0), now if over else now + LOOK_AGAIN_MS
        return Advance(step(case, Stage.TRIAGE, left, due, Reason.HELD, told))
    revision, applied = world.cursor.applied or world.root, applied_since(world, now - RECENT_MS)
    found = dataclasses.replace(found, asked_ms=found.asked_ms or now)
    answer = examining.ask(world, found.incident, applied, found.asked_ms)
    causes = _told(world, found.incident, revision, now)
    diagnosis = find_causes(found.incident, world.telemetry, world.repo, revision, applied, now, causes)
    diagnosis = foretold(world, found.incident, diagnosis)
    if diagnosis.top is None and case.attempts < LOOKS:
        again = dataclasses.replace(found, asked_ms=0)
        return Advance(step(case, Stage.DIAGNOSE, again, now + LOOK_AGAIN_MS, Reason.NO_CAUSE, diagnosis.summary))
    if answer is None:
        waiting = step(case, Stage.DIAGNOSE, found, now + ANALYSIS_MS, Reason.OK, "waits for the analysis")
        return Advance(dataclasses.replace(waiting, attempts=case.attempts))
    diagnosis = dataclasses.replace(diagnosis, findings=(*diagnosis.findings, *beside(world, found.incident.components)))
    diagnosis = remembered(world, found.incident, examining.weighed(diagnosis, answer, now))
    found = dataclasses.replace(found, diagnosis=diagnosis, asked_ms=0)
    record = world.record(RecordKind.DIAGNOSIS, f"{case.id}/{now}", {"diagnosis": diagnosis}, subject=case.id, incident=case.id)
    if diagnosis.top is None:
        known = dataclasses.replace(case, data=data(found))  # a second look is about this diagnosis
        return page_and_end(world, known, Reason.NO_CAUSE, diagnosis.summary).plus(record)
    if other := repairing(world, case, diagnosis.top.component):
        told = f"{other} is repairing {diagnosis.top.component} already"
        return Advance(step(case, Stage.TRIAGE, found, now + ELSEWHERE_MS, Reason.COALESCED, told), (record,))
    return Advance(step(case, Stage.PROPOSE, found, now, Reason.OK, diagnosis.summary), (record,))


def _told(world: World, incident: Incident, revision: str, now: int) -> list[Cause]:
    """Why targets say what they say of the incident's objects: also another word than the one that was heard first."""
    named = {dict(signal.labels).get("object") for signal in incident.signals if signal.told}
    if not named:
        return []
    said = told_of(world, incident)
    if said is None:
        raise Retryable("a target cannot say what is wrong now", next_step="look whether it answers")
    heard = {signal.fingerprint: signal.started_ms for signal in incident.signals if signal.told}
    troubles = [_began(t, heard.get(t.fingerprint, now)) for t in said if t.object in named]
    units = world.applied_rulebook().index
    began = min((trouble.since_ms for trouble in troubles), default=now)
    applied = applied_since(world, max(began, now - LONGEST_MS) - RECENT_MS)
    files = {t.unit: Files(units.by_name[t.unit].path, functools.partial(_reads, world, t.unit)) for t in troubles}
    return workload_causes(troubles, world.repo, revision, applied, files)


def _began(trouble: Trouble, heard_ms: int) -> Trouble:
    """Not after we heard of it: a target whose clock is ahead would put its trouble out of reach of the commit."""
    return dataclasses.replace(trouble, since_ms=min(trouble.since_ms, heard_ms))


def _reads(world: World, unit: str, path: str) -> bool:
    """Whether a unit is rendered from a file, in its folder or elsewhere."""
    index = world.applied_rulebook().index
    return index.owner(path) == unit or unit in world.converger.readers(index, world.cursor.applied or world.root, [path])


def applied_since(world: World, start_ms: int) -> list[Applied]:
    """What was applied since, commit by commit: one round may bring several. Also what a target refused in part, or waits
    with: that is trouble, too.
    """
    tried = world.ledger.facts().tried_ms
    found: list[Applied] = []
    for before, revision in itertools.pairwise(tried):
        at = tried[revision]
        if at >= start_ms:
            found += [Applied(commit.id, at) for commit in world.repo.between(before, revision)]
    return found
