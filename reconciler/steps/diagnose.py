"""Diagnose: what most likely broke. Looks a few times while the data does not say, then says so and pages."""

from __future__ import annotations

import dataclasses

from reconciler.diagnosis import Applied
from reconciler.diagnosis import diagnose as find_causes
from reconciler.model.cases import Case, Stage
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.steps.endings import page_and_end
from reconciler.steps.progress import progress, step
from reconciler.steps.triage import LOOK_AGAIN_MS
from reconciler.steps.world import Advance, World

LOOKS = 6  # 90 s: three shift windows


def diagnose(world: World, case: Case) -> Advance:
    """DIAGNOSE: to PROPOSE with a named cause, to DONE with a page, or look again."""
    found = progress(case)
    now = world.clock.now()
    facts = world.ledger.facts()
    applied = [Applied(a.revision, a.at_ms) for a in facts.applied]
    diagnosis = find_causes(found.incident, world.telemetry, world.repo, facts.revision, applied, now)
    if diagnosis.top is None and case.attempts < LOOKS:
        return Advance(step(case, Stage.DIAGNOSE, found, now + LOOK_AGAIN_MS, Reason.NO_CAUSE, diagnosis.summary))
    found = dataclasses.replace(found, diagnosis=diagnosis)
    record = world.record(RecordKind.DIAGNOSIS, f"diagnosis/{case.id}/{now}", case.id, case.id, {"diagnosis": diagnosis})
    if diagnosis.top is None:
        ended = page_and_end(world, dataclasses.replace(case, data={**case.data}), Reason.NO_CAUSE, diagnosis.summary)
        return ended.with_records(record)
    return Advance(step(case, Stage.PROPOSE, found, now, Reason.OK, diagnosis.summary), (record,))
