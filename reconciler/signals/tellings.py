"""What targets say is wrong, as signals: troubles and what was heard before in, signals and the next state out. Pure.

A trouble becomes a signal once it has stood longer than its hold, again after AGAIN_MS, and is resolved once it was not said
for GONE_MS: a pod that is replaced goes through every word for a moment. A target that could not be asked is not heard, which
changes nothing. The state is a small rebuildable value, like that of the sensors; a signal's id says since when, so that one
trouble heard by two processes is one signal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.canonical import digest
from reconciler.model.signals import Severity, Signal, SignalStatus
from reconciler.model.troubles import Trouble, TroubleKind

GONE_MS = 30_000
AGAIN_MS = 3_600_000  # what still stands is said again: its case may have ended without it, and people forget
MAX_STANDING = 1_000  # of one target, the most telling first; grouping keeps fewer whole
MAX_NAME = 512
_SOON, _LATER = 10_000, 60_000
_OUTSIDE = re.compile(r"[^A-Za-z0-9_.:@=/-]")


@dataclass(frozen=True, slots=True)
class Weight:
    """How long a trouble has to stand before it is a signal, and how bad it is."""

    hold_ms: int = _LATER
    severity: Severity = Severity.WARNING


WEIGHTS: Mapping[TroubleKind, Weight] = {
    TroubleKind.IMAGE_PULL: Weight(_SOON, Severity.CRITICAL),
    TroubleKind.BAD_COMMAND: Weight(_SOON, Severity.CRITICAL),
    TroubleKind.BAD_CONFIG: Weight(_SOON, Severity.CRITICAL),
    TroubleKind.OUT_OF_MEMORY: Weight(_SOON, Severity.CRITICAL),
    TroubleKind.CRASH_LOOP: Weight(_SOON, Severity.CRITICAL),
    TroubleKind.LIVENESS: Weight(_LATER, Severity.CRITICAL),
    TroubleKind.NOT_READY: Weight(_LATER, Severity.CRITICAL),
    TroubleKind.REFUSED: Weight(_SOON, Severity.CRITICAL),
    TroubleKind.QUOTA: Weight(_SOON, Severity.CRITICAL),
    TroubleKind.NO_ROOM: Weight(_LATER, Severity.CRITICAL),
    TroubleKind.NO_PLACE: Weight(_LATER, Severity.CRITICAL),
    TroubleKind.NO_VOLUME: Weight(_LATER, Severity.CRITICAL),
    TroubleKind.UNCHANGEABLE: Weight(_SOON),
    TroubleKind.CONTESTED: Weight(_SOON),
    TroubleKind.DEGRADED: Weight(_LATER, Severity.CRITICAL),
}  # what is not here is a warning after a minute


@dataclass(frozen=True, slots=True)
class Standing:
    """One trouble as it was first heard. `gone_ms`: since when the target has not said it any more, 0 while it does."""

    target: str
    trouble: Trouble
    fired_ms: int = 0  # when it was a signal last, 0 while it was none
    gone_ms: int = 0


@dataclass(frozen=True, slots=True)
class Tellings:
    """What was heard, by target and fingerprint; what is well is absent."""

    standing: Mapping[str, Standing] = field(default_factory=dict)

    @property
    def units(self) -> frozenset[str]:
        return frozenset(one.trouble.unit for one in self.standing.values())


@dataclass(frozen=True, slots=True)
class Heard:
    signals: tuple[Signal, ...]
    state: Tellings


def _nobody(_component: str) -> bool:
    return False


def standing_long(trouble: Trouble, now: int, percent: int = 100) -> bool:
    """Whether it has stood longer than its hold. A target's clock that is ahead makes it no longer than it is."""
    return now - min(trouble.since_ms, now) >= WEIGHTS.get(trouble.kind, Weight()).hold_ms * percent // 100


def hear(
    state: Tellings,
    target: str,
    asked: Collection[str],
    troubles: Sequence[Trouble],
    now: int,
    percent: int = 100,
    resting: Callable[[str], bool] = _nobody,
) -> Heard:
    """The signals that are new, and the state to pass in next time. `asked`: the units the target answered for; a unit that
    is no longer sent to it belongs here as well, so that its troubles end. `resting`: components whose troubles are no signals
    now, because people work on them; what still stands afterwards is one.
    """
    standing = dict(state.standing)
    signals: list[Signal] = []
    order = {kind: number for number, kind in enumerate(TroubleKind)}
    said = sorted((t for t in troubles if t.unit in asked), key=lambda t: (order[t.kind], t.fingerprint))[:MAX_STANDING]
    now_said = {f"{target}/{trouble.fingerprint}": trouble for trouble in said}
    for key, trouble in now_said.items():
        since = min(trouble.since_ms or now, now)
        first = standing.get(key) or Standing(target, replace(trouble, since_ms=since, detail=""))
        fires = now - first.fired_ms >= AGAIN_MS if first.fired_ms else standing_long(first.trouble, now, percent)
        fires = fires and not resting(trouble.component)
        signals += [_signal(first, SignalStatus.FIRING, now)] if fires else []
        standing[key] = replace(first, fired_ms=now if fires else first.fired_ms, gone_ms=0)
    for key, one in state.standing.items():
        if one.target != target or key in now_said or one.trouble.unit not in asked:
            continue
        gone = one.gone_ms or now
        if one.fired_ms and now - gone < GONE_MS:
            standing[key] = replace(one, gone_ms=gone)
            continue
        signals += [_signal(one, SignalStatus.RESOLVED, now)] if one.fired_ms else []
        del standing[key]
    return Heard(tuple(signals), Tellings(standing))


def _signal(one: Standing, status: SignalStatus, now: int) -> Signal:
    trouble, source = one.trouble, f"target/{one.target}"
    when = now if status is SignalStatus.RESOLVED or one.fired_ms else 0
    claim = [source, trouble.fingerprint, status.value, str(trouble.since_ms), str(when)]
    labels = {"container": trouble.container, "leaf": trouble.leaf, "object": trouble.object, "unit": trouble.unit}
    return Signal(
        id=digest(claim),
        source=source,
        name=trouble.kind.value,
        component=_inert(trouble.component),
        fingerprint=trouble.fingerprint,
        status=status,
        severity=WEIGHTS.get(trouble.kind, Weight()).severity,
        started_ms=trouble.since_ms,
        received_ms=now,
        labels=tuple((name, _inert(text)) for name, text in sorted(labels.items()) if text),
    )


def _inert(text: str) -> str:
    """Names as an API server allows them, and nothing else that a target might say."""
    return _OUTSIDE.sub("_", text[:MAX_NAME]).replace("..", "_")
