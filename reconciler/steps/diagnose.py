"""Diagnose: what most likely broke. Looks a few times while the data does not say, then says so and pages."""

from __future__ import annotations

import dataclasses
import itertools

from reconciler.diagnosis import Applied
from reconciler.diagnosis import diagnose as find_causes
from reconciler.model.cases import Case, Stage
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.steps.company import repairing, settling
from reconciler.steps.endings import page_and_end
from reconciler.steps.progress import progress, step
from reconciler.steps.triage import LOOK_AGAIN_MS
from reconciler.steps.world import Advance, World

ELSEWHERE_MS = 60_000
RECENT_MS = 3_600_000
LOOKS = 6  # 90 s: three shift windows


def diagnose(world: World, case: Case) -> Advance:
    """DIAGNOSE: to PROPOSE with a named cause, to DONE with a page, or look again."""
    found = progress(case)
    now = world.clock.now()
    if other := settling(world, case):
        told = f"waits: the repair of {other} takes effect just now"
        return Advance(step(case, Stage.TRIAGE, found, now + LOOK_AGAIN_MS, Reason.HELD, told))
    revision = world.cursor.applied or world.root
    diagnosis = find_causes(found.incident, world.telemetry, world.repo, revision, _applied(world, now), now)
    if diagnosis.top is None and case.attempts < LOOKS:
        return Advance(step(case, Stage.DIAGNOSE, found, now + LOOK_AGAIN_MS, Reason.NO_CAUSE, diagnosis.summary))
    found = dataclasses.replace(found, diagnosis=diagnosis)
    record = world.record(RecordKind.DIAGNOSIS, f"{case.id}/{now}", {"diagnosis": diagnosis}, subject=case.id, incident=case.id)
    if diagnosis.top is None:
        return page_and_end(world, case, Reason.NO_CAUSE, diagnosis.summary).plus(record)
    if other := repairing(world, case, diagnosis.top.component):
        told = f"{other} is repairing {diagnosis.top.component} already"
        return Advance(step(case, Stage.TRIAGE, found, now + ELSEWHERE_MS, Reason.COALESCED, told), (record,))
    return Advance(step(case, Stage.PROPOSE, found, now, Reason.OK, diagnosis.summary), (record,))


def _applied(world: World, now: int) -> list[Applied]:
    """What was applied lately, commit by commit: one round may bring several."""
    ledger = world.ledger.facts()
    order = sorted(ledger.applied, key=lambda revision: ledger.applied[revision])
    found: list[Applied] = []
    for before, revision in itertools.pairwise(order):
        at = ledger.applied_ms[revision]
        if at >= now - RECENT_MS:
            found += [Applied(commit.id, at) for commit in world.repo.between(before, revision)]
    return found
