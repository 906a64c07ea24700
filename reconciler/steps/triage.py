"""Triage: is it still true? An alert is a stored claim; the present decides whether anything is done about it.

Gone: the case ends as stale. Cannot be seen: it waits, and ends with a page when nothing was seen for too long, or without
one where the alert was old when it came; a telemetry error is never taken for trouble. What a target said is asked of the
target. A hold on every component it names keeps the machine away from the start.
"""

from __future__ import annotations

from reconciler.diagnosis import late
from reconciler.model.cases import Case, Stage
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident
from reconciler.steps.accounting import spending
from reconciler.steps.endings import page_and_end, quiet_end
from reconciler.steps.foreseeing import present
from reconciler.steps.progress import progress, step
from reconciler.steps.world import Advance, World

LOOK_AGAIN_MS = 15_000
LOOKS = 20  # five minutes of blindness, then a person is told


def _still_fires(world: World, incident: Incident) -> str:
    """A sensor's own rule is looked at with every scrape: what it still sees (a fall, say) is present whatever else is.
    So is a budget that is spent too fast this very minute.

    Only asked where telemetry is current: a blind sensor keeps what it knew.
    """
    firing = world.cursor.sensors.firing if world.cursor.sensors else {}
    watches = (f"{s.source.removeprefix('sensor/')}/{s.component}" for s in incident.signals if s.source.startswith("sensor/"))
    seen = next((f"sensor {watch}" for watch in watches if watch in firing), "")
    return seen or next((s.source for s in incident.signals if spending(world, s)), "")


def triage(world: World, case: Case) -> Advance:
    """TRIAGE: to DIAGNOSE, to DONE, or look again."""
    found = progress(case)
    now = world.clock.now()
    presence = present(world, found.incident)
    if presence.present:
        return Advance(step(case, Stage.DIAGNOSE, found, now, Reason.OK, presence.detail))
    if presence.reason is Reason.STALE and (watch := _still_fires(world, found.incident)):
        return Advance(step(case, Stage.DIAGNOSE, found, now, Reason.OK, f"{watch} still fires"))
    if presence.reason is Reason.STALE:
        return quiet_end(world, case, Reason.STALE, presence.detail)
    if case.attempts >= LOOKS:
        if late(found.incident, world.applied_rulebook().installation.spec.grouping.max_signal_age_ms):
            old = f"the alert was old when it came, and cannot be checked: {presence.detail}"
            return quiet_end(world, case, Reason.STALE, old)
        return page_and_end(world, case, Reason.BLIND, f"the alert cannot be checked: {presence.detail}")
    return Advance(step(case, Stage.TRIAGE, found, now + LOOK_AGAIN_MS, Reason.BLIND, presence.detail))
