"""Drift: live objects that differ from what was applied last, although Git did not ask for it.

In: units, their renders, what the target holds. Out: a DriftReport: signals for people and for the loop, and the units
whose next round should correct. Whether a correction really happens is decided again by `plans.trim`, with the brake and
the fights of that moment.

Invariants: an object that Git changed since the last apply is not drift but work; `ignore` says nothing; the same drift
signals at most once a minute, so a fight over one object cannot flood the store.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from reconciler.documents.installation import Unit
from reconciler.model.canonical import digest
from reconciler.model.revisions import Observed, Rendered
from reconciler.model.signals import Severity, Signal, SignalStatus

REPEAT_MS = 60_000
DRIFT = "Drift"
FIGHT = "DriftFight"


@dataclass(frozen=True, slots=True)
class Drift:
    """One object: what Git wants, what is there ("" when it is gone)."""

    unit: str
    id: str
    desired: str
    live: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    drifts: tuple[Drift, ...] = ()
    signals: tuple[Signal, ...] = ()
    correct: frozenset[str] = frozenset()  # units for the next round's `drifted`
    faults: tuple[str, ...] = ()  # targets that could not be asked: unknown, neither drift nor none


def compare(rendered: Rendered, observed: Observed) -> tuple[Drift, ...]:
    """Objects whose last applied digest is what Git wants, while the live one is not."""
    return tuple(
        Drift(rendered.unit, o.id, o.digest, observed.objects.get(o.id, ""))
        for o in rendered.objects
        if observed.inventory.get(o.id) == o.digest and observed.objects.get(o.id) != o.digest
    )


def report(unit: Unit, drifts: Sequence[Drift], fighting: frozenset[str], now_ms: int) -> DriftReport:
    """What one unit's drifts mean under its policy. `fighting` holds the ids whose correction is stopped."""
    if unit.drift == "ignore" or not drifts:
        return DriftReport()
    signals = tuple(_signal(unit, d, FIGHT if d.id in fighting else DRIFT, now_ms) for d in drifts)
    open_ = any(d.id not in fighting for d in drifts)
    correct = frozenset({unit.name}) if unit.drift == "correct" and open_ else frozenset[str]()
    return DriftReport(tuple(drifts), signals, correct)


def as_they_say(unit: Unit, rendered: Rendered, drifted: Collection[str], now_ms: int) -> DriftReport:
    """Of a unit that somebody else applies: what they say differs is told, and never put back here."""
    drifts = [Drift(unit.name, o.id, o.digest, "different") for o in rendered.objects if o.id in drifted]
    return replace(report(unit, drifts, frozenset(), now_ms), correct=frozenset())


def _signal(unit: Unit, drift: Drift, name: str, now_ms: int) -> Signal:
    component = drift.id.split("/", 1)[-1]
    severity = Severity.WARNING if name == FIGHT or unit.drift == "propose" else Severity.INFO
    source = f"drift/{unit.name}"
    seen = (source, name, drift.id, drift.desired, drift.live, now_ms // REPEAT_MS)
    return Signal(
        id=digest([str(part) for part in seen]),
        source=source,
        name=name,
        component=component,
        fingerprint=digest([name, component]),
        status=SignalStatus.FIRING,
        severity=severity,
        started_ms=now_ms,
        received_ms=now_ms,
        labels=(("object", drift.id), ("policy", unit.drift), ("unit", unit.name)),
        value="gone" if not drift.live else "different",
    )
