"""Triage: is it still true? An alert is a stored claim; the present decides whether anything is done about it.

Gone: the case ends as stale. Cannot be seen: it waits, and ends with a page when nothing was seen for too long; a
telemetry error is never taken for trouble. A hold on every component it names keeps the machine away from the start.
"""

from __future__ import annotations

from reconciler.diagnosis import still_present
from reconciler.model.cases import Case, Stage
from reconciler.model.reasons import Reason
from reconciler.steps.endings import page_and_end, quiet_end
from reconciler.steps.progress import progress, step
from reconciler.steps.world import Advance, World

LOOK_AGAIN_MS = 15_000
LOOKS = 20  # five minutes of blindness, then a person is told


def triage(world: World, case: Case) -> Advance:
    """TRIAGE: to DIAGNOSE, to DONE, or look again."""
    found = progress(case)
    now = world.clock.now()
    presence = still_present(found.incident, world.telemetry, now)
    if presence.present:
        return Advance(step(case, Stage.DIAGNOSE, found, now, Reason.OK, presence.detail))
    if presence.reason is Reason.STALE:
        return quiet_end(world, case, Reason.STALE, presence.detail)
    if case.attempts >= LOOKS:
        return page_and_end(world, case, Reason.BLIND, f"the alert cannot be checked: {presence.detail}")
    return Advance(step(case, Stage.TRIAGE, found, now + LOOK_AGAIN_MS, Reason.BLIND, presence.detail))
