"""From a recording to the services most likely at fault, with what speaks against each, or "unknown".

0. Where nobody says who calls whom, it is learned; what is learned takes the callees' share off a caller and excludes nobody.
1. Blocks around the alarm and a reference from the normal period are chosen.
2. Every metric's departure in every block is measured.
3. The departures become evidence against services.
4. The block is chosen: the latest whose first cause is at least `LATER` of the loudest block's, where blocks far from the alarm
   count less: what still goes on is today's incident, what ended before is the last one's.
5. Services are ranked; below `ENOUGH` nothing is known. The confidence is that of findings as far ahead and as loud, against
   what the normal blocks of the same recording say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reconciler.analysis.causes import confidence
from reconciler.analysis.causes.departures import departures
from reconciler.analysis.causes.evidence import KINDS, WEIGHTS, against, voice
from reconciler.analysis.causes.kinds import Kind
from reconciler.analysis.causes.learned import learned
from reconciler.analysis.causes.paths import loudness
from reconciler.analysis.causes.recording import Array, Recording
from reconciler.analysis.causes.windows import Windows, windows

ENOUGH = 1.34  # 95 % of windows of a quiet normal period stay below
LATER = 0.7
OFF = 0.35  # taken off a block that begins `OFF_BY` seconds from the alarm
OFF_BY = 480.0
TOLD = 5  # metrics told for each cause
WAY, LOST = KINDS.index(Kind.WAY), KINDS.index(Kind.LOST)
SEEN_BY_CALLERS = {Kind.CALLS: WAY, Kind.CALL_ERRORS: LOST}


@dataclass(frozen=True, slots=True)
class Sign:
    """A metric that speaks against a service, in robust deviations; `at` is the caller that measured it, where one did."""

    metric: str
    kind: Kind
    deviations: float
    at: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """`score` is comparable within one answer, `parts` what each kind of metric added to it, `signs` the loudest metrics.

    `shares` are the metrics that matter most, with the caller that measured them where one did, and their part of the score.
    """

    service: str
    score: float
    parts: tuple[tuple[Kind, float], ...]
    signs: tuple[Sign, ...]
    shares: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """`causes` are those with anything against them, the likeliest first; `unknown` says why none should be acted on.

    `learned` is who waits for whom, and how surely, where the recording did not say; `usual` how loud its normal blocks are.
    """

    causes: tuple[Cause, ...]
    confidence: float
    since: float | None
    unknown: str | None
    learned: tuple[tuple[str, str, float], ...] = ()
    usual: float = 0.0

    @property
    def known(self) -> bool:
        return self.unknown is None


def find(recording: Recording, curve: confidence.Curve = confidence.SHIPPED, enough: float = ENOUGH) -> Finding:
    """Who is at fault for what the alarm is about."""
    if not recording.columns or not len(recording.times):
        return Finding((), 0.0, None, "nothing was measured")
    found = windows(recording)
    if found is None:
        return Finding((), 0.0, None, "no samples around the alarm, or none in the normal period")
    waits = () if recording.edges else learned(recording, found)
    recording = _told(recording, waits) if waits else recording
    shown, quiet = departures(recording, found)
    total, parts = against(recording, found, shown)
    block = _block(recording, found, total)
    causes = _ranked(recording, total[block], parts[block], shown[block])
    if not causes:
        return Finding((), 0.0, None, "no metric departed from its normal period", waits)
    usual = _usual(recording, found, quiet)
    sure = curve.of(causes[0].score, causes[1].score if len(causes) > 1 else 0.0, usual)
    since = float(recording.times[found.starts[block]])
    weak = f"nothing departed clearly: the loudest evidence is {causes[0].score:.2f}, less than {enough:.2f}"
    return Finding(causes, sure, since, None if causes[0].score >= enough else weak, waits, usual)


def _usual(recording: Recording, found: Windows, quiet: Array) -> float:
    """The median, which other incidents within the normal period hardly move."""
    total, _ = against(recording, replace(found, starts=found.quiet), quiet)
    return float(np.median(total.max(axis=1))) if len(total) else 0.0


def _told(recording: Recording, waits: tuple[tuple[str, str, float], ...]) -> Recording:
    """A learned graph has gaps: what the one with the alarm does not reach in it is no less suspect."""
    callers = {caller for caller, _, _ in waits}
    symptom = None if recording.symptom in callers else recording.symptom
    return replace(recording, edges=tuple((a, b) for a, b, _ in waits), symptom=symptom)


def _block(recording: Recording, found: Windows, total: Array) -> int:
    loudest = total.max(axis=1)
    off = np.abs(recording.times[found.starts] - recording.alarm)
    weighed = loudest * (1.0 - OFF * np.minimum(1.0, off / OFF_BY))
    padded = np.concatenate([[-np.inf], weighed, [-np.inf]])
    peak = (weighed >= padded[:-2]) & (weighed >= padded[2:])
    return int(np.flatnonzero(peak & (weighed >= LATER * weighed.max()))[-1])


def _ranked(recording: Recording, total: Array, parts: Array, shown: Array) -> tuple[Cause, ...]:
    order = np.argsort(-total, kind="stable")
    found = []
    for i in order[total[order] > 0]:
        asked = frozenset(kind for kind, place in SEEN_BY_CALLERS.items() if parts[i, place] > 0)
        loud = _speaking(recording, recording.services[i], shown, asked)
        signs = tuple(sign for _, sign in loud[:TOLD])
        found.append(Cause(recording.services[i], float(total[i]), _parts(parts[i]), signs, _shares(loud, parts[i])))
    return tuple(found)


def _parts(parts: Array) -> tuple[tuple[Kind, float], ...]:
    order = np.argsort(-parts, kind="stable")
    return tuple((KINDS[i], float(parts[i])) for i in order if parts[i] > 0)


def _shares(loud: list[tuple[float, Sign]], parts: Array) -> tuple[tuple[str, str, float], ...]:
    """Each kind's part is divided among its metrics by how loud they are; what callers measure speaks of the way."""
    total, spoken = float(parts.sum()), [(float(loudness(np.array(size))), sign) for size, sign in loud]
    voices: dict[Kind, float] = {}
    for size, sign in spoken:
        voices[sign.kind] = voices.get(sign.kind, 0.0) + size
    part = {kind: float(parts[place]) for place, kind in enumerate(KINDS)}
    part |= {kind: float(parts[place]) for kind, place in SEEN_BY_CALLERS.items()}
    shares = [(s.metric, s.at, part.get(s.kind, 0.0) / total * size / voices[s.kind]) for size, s in spoken if size > 0]
    return tuple(sorted((entry for entry in shares if entry[2] > 0), key=lambda entry: (-entry[2], entry[0], entry[1]))[:TOLD])


def _speaking(recording: Recording, service: str, shown: Array, asked: frozenset[Kind]) -> list[tuple[float, Sign]]:
    """The loudest metric first. `asked`: what callers measure of their calls to it speaks too, of these kinds."""
    callers = {a for a, b in recording.edges if b == service} - {service}
    speaking = [
        (i, c, c.service if c.service != service else "")
        for i, c in enumerate(recording.columns)
        if (c.service == service and WEIGHTS.get(c.kind, 0.0) > 0)
        or (c.service in callers and c.kind in asked and c.callee in ("", service))
    ]
    loud = [(float(voice(c.kind, shown[i : i + 1])[0]), i, c, at) for i, c, at in speaking]
    told = sorted((entry for entry in loud if entry[0] > 0), key=lambda entry: (-entry[0], entry[1]))
    return [(size, Sign(c.metric, c.kind, float(shown[i]), at)) for size, i, c, at in told]
