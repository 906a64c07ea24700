"""Is the trouble that an alert claimed still there? Asked by triage before anything else, answered from the present.

Yes: OK. No: STALE (the source said it is resolved, or no metric shows it any more). Cannot be seen: UNKNOWN. An alert that
waited for hours proves nothing (S30), and a telemetry error proves neither trouble nor health (S6). What a target said is
present while the target says it, and needs no metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.analysis.robust import finite, median
from reconciler.analysis.shifts import LEAST, cut, onset, shift
from reconciler.diagnosis.metrics import CPU, ERRORS, FAILING, LATENCIES, MEMORY, QUEUE, WATCHED
from reconciler.diagnosis.sight import BLIND_AFTER_MS, NAME, REFERENCE_MS
from reconciler.errors import Retryable
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident, Signal, SignalStatus
from reconciler.model.telemetry import Series
from reconciler.model.troubles import Trouble
from reconciler.ports.telemetry import Telemetry

ENDED = "every alert of the incident is resolved"
RECENT_MS = 60_000
LAG_MS = 60_000
LOOKED_AT = (ERRORS, *LATENCIES, QUEUE, CPU, MEMORY)
# Levels that are trouble whatever was before: a reference may itself lie in the trouble.
HIGH = {ERRORS: FAILING, CPU: 0.95, MEMORY: 0.8, "database_connections": 0.95}


@dataclass(frozen=True, slots=True)
class Presence:
    """`reason` is OK (present), STALE (gone) or UNKNOWN (cannot be seen)."""

    reason: Reason
    detail: str

    @property
    def present(self) -> bool:
        return self.reason is Reason.OK


def still_present(incident: Incident, telemetry: Telemetry, now_ms: int, troubles: Sequence[Trouble] | None = ()) -> Presence:
    """Re-validates an incident against the present. `troubles` is what the targets say now, None when they cannot be asked."""
    firing = standing(incident)
    if not firing:
        return Presence(Reason.STALE, ENDED)
    told, measured = tuple(s for s in firing if s.told), tuple(s for s in firing if not s.told)
    if not told:
        return _measured(measured, telemetry, now_ms)
    said = _said(told, troubles)
    if said.present or not measured:
        return said
    seen = _measured(measured, telemetry, now_ms)
    return said if seen.reason is Reason.STALE else seen


def _said(told: tuple[Signal, ...], troubles: Sequence[Trouble] | None) -> Presence:
    if troubles is None:
        return Presence(Reason.UNKNOWN, "the target cannot say what is wrong")
    claimed = {signal.fingerprint for signal in told}
    found = next((trouble for trouble in troubles if trouble.fingerprint in claimed), None)
    if found is None:
        return Presence(Reason.STALE, "the target does not say it any more")
    return Presence(Reason.OK, f"the target says {found.kind.value} of {found.object}")


def _measured(firing: tuple[Signal, ...], telemetry: Telemetry, now_ms: int) -> Presence:
    try:
        newest = telemetry.newest_ms()
        if abs(now_ms - newest) > BLIND_AFTER_MS:
            return Presence(Reason.UNKNOWN, "telemetry is not current")
        components = sorted({s.component for s in firing if NAME.fullmatch(s.component)}) or _all(telemetry)
        return _look(firing, components, telemetry, now_ms)
    except Retryable:
        return Presence(Reason.UNKNOWN, "telemetry did not answer")


def ended(incident: Incident) -> str:
    """That nobody claims the trouble any more, "" while somebody does, or where nobody ever did."""
    return ENDED if incident.signals and not standing(incident) else ""


def late(incident: Incident, max_age_ms: int) -> bool:
    """Whether all that fires in it was old when it arrived (S30). Sensors and targets speak of the present."""
    firing = standing(incident)
    present = any(s.told or s.source.startswith("sensor/") for s in firing)
    return bool(firing) and not present and all(s.received_ms - s.started_ms > max_age_ms for s in firing)


def standing(incident: Incident) -> tuple[Signal, ...]:
    """The signals whose last word is that they fire."""
    last: dict[str, Signal] = {}
    for signal in sorted(incident.signals, key=lambda s: (s.received_ms, s.status is SignalStatus.RESOLVED, s.id)):
        last[signal.claim or signal.fingerprint] = signal
    return tuple(s for s in last.values() if s.status is SignalStatus.FIRING)


def _all(telemetry: Telemetry) -> list[str]:
    return [c for c in telemetry.topology().components if NAME.fullmatch(c)][:200]


def _look(firing: tuple[Signal, ...], components: list[str], telemetry: Telemetry, now_ms: int) -> Presence:
    started = min(max(min(s.started_ms for s in firing), now_ms - 86_400_000), now_ms)
    extra = {s.metric for s in firing if s.metric in WATCHED}
    seen = 0
    for component in components:
        for metric in sorted({*LOOKED_AT, *extra}):
            early = telemetry.series(component, metric, started - LAG_MS - REFERENCE_MS, started)
            late = telemetry.series(component, metric, now_ms - REFERENCE_MS, now_ms)
            trouble = _troubled(metric, early, late, started, now_ms)
            seen += trouble is not None
            if trouble:
                return Presence(Reason.OK, f"{metric} of {component} still shows it")
    if not seen:
        return Presence(Reason.UNKNOWN, "nothing was measured for what the alert names")
    return Presence(Reason.STALE, f"no metric of {', '.join(components[:5])} shows it any more")


def _troubled(metric: str, early: Series, late: Series, started_ms: int, now_ms: int) -> bool | None:
    """Whether this metric shows trouble now; None when it was not measured now."""
    recent = cut(late, now_ms - RECENT_MS, now_ms + 1)
    if len(recent) < LEAST:
        return None
    newest = median(recent[-LEAST:])
    if metric in HIGH and newest >= HIGH[metric]:
        return True
    reference = cut(early, started_ms - LAG_MS - REFERENCE_MS, started_ms - LAG_MS)
    if len(finite(reference)) < LEAST:
        return False
    floor = WATCHED[metric].floor(median(reference))
    lasting = onset(late, reference, floor, 1, now_ms - RECENT_MS) is not None
    return lasting or shift(reference, recent[-LEAST:], floor).rose
