"""Which component is at fault for what the alarm is about (`analysis.causes`), and which changes came just before.

Says nothing where nobody complains: without an alarm there is no fault to explain. The first cause has the calibrated confidence;
the rest of it is shared among the others by what speaks against them. A change (a release, an edit, a scaling) is suspected
when it was made to a cause, or to what the cause calls, before the trouble began: see `suspects`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reconciler.analysis.causes import Cause, Column, Edge, Kind, Recording, Sign, find
from reconciler.analysis.causes import Finding as Answer
from reconciler.analysis.detectors.saying import SHARE, Speaker, named, shown
from reconciler.analysis.detectors.series import Key, loudest, normal_ms, table, tidy
from reconciler.analysis.detectors.suspects import suspects
from reconciler.analysis.shifts import onset
from reconciler.model.findings import Finding
from reconciler.model.telemetry import Series
from reconciler.ports.detector import Window

TOLD = 5
EARLIER_MS = 900_000  # an alarm comes this much later than its trouble at most
LEAST, EVERYDAY = 4, 0.05  # normal samples, and the share of a level that means nothing
SERIES, COMPONENTS = 4_000, 200  # that are compared; the time grows with the square of the components
CELLS = 8_000_000  # samples x series: a few hundred MB at most


class Causes:
    """`told` causes at most."""

    name = "causes"
    version = "2"

    def __init__(self, told: int = TOLD) -> None:
        self._told = told

    @property
    def settings(self) -> Mapping[str, str]:
        return {"told": str(self._told)}

    def detect(self, window: Window) -> Sequence[Finding]:
        if window.alarm_ms is None:
            return ()
        seen = tidy(window)
        speaker = Speaker(self.name, self.version, self.settings)
        answer = find(_recording(seen, window.alarm_ms))
        since = _began(seen, answer, window.alarm_ms)
        if answer.unknown is not None:
            return (speaker.unknown(since, answer.unknown), *suspects(speaker, seen, [], since))
        causes = answer.causes[: self._told]
        sure = _confidences(answer)
        told = [_said(speaker, cause, sure[place], since, first=place == 0) for place, cause in enumerate(causes)]
        return (*told, *suspects(speaker, seen, [c.service for c in causes], since))


def _began(window: Window, answer: Answer, alarm_ms: int) -> int:
    """When the loudest metric of the first cause left its normal level for good; else the block around the alarm that spoke."""
    block = alarm_ms if answer.since is None else int(answer.since * 1000)
    sign = next((s for cause in answer.causes[:1] for s in cause.signs), None)
    if sign is None:
        return block
    key = (sign.at or answer.causes[0].service, sign.metric)
    times, values = window.samples[key]
    start, end = normal_ms(window)
    normal = values[(times >= start) & (times < end) & (times < block - EARLIER_MS)]
    recent = (times >= block - EARLIER_MS) & (times <= block + EARLIER_MS)
    if len(normal) < LEAST or not recent.any():
        return block
    series = Series(*key, tuple(times[recent].tolist()), tuple(values[recent].tolist()))
    floor = EVERYDAY * abs(float(np.median(normal)))
    found = onset(series, normal.tolist(), floor, 1 if values[recent][-LEAST:].mean() > np.median(normal) else -1, 0)
    return block if found is None else min(block, found)


def _recording(window: Window, alarm_ms: int) -> Recording:
    keys = _compared(window)
    times, values = table(window, keys)
    start, end = normal_ms(window)
    columns = [Column.of(*key) for key in keys]
    normal = (start / 1000, end / 1000)
    return Recording.of(times / 1000, values, columns, _counted(window), alarm_ms / 1000, normal, window.symptom)


def _counted(window: Window) -> list[Edge]:
    """The calls, with how many there were where somebody counted: beside calls that are counted one that is not says nothing."""
    counting = {caller for caller, _ in window.counts}
    return [(a, b, window.counts.get((a, b), 0.0)) if a in counting else (a, b) for a, b in window.calls]


def _compared(window: Window) -> list[Key]:
    """Every series where that can be afforded; else all series of the components that moved most, as many as can be."""
    keys = [key for key, (times, _) in window.samples.items() if len(times)]
    most = min(SERIES, CELLS // max((len(window.samples[key][0]) for key in keys), default=1))
    if len(keys) <= most and len({component for component, _ in keys}) <= COMPONENTS:
        return keys
    loud = loudest(window, len(keys), keys)
    moved = list(dict.fromkeys([*(key[0] for key in keys if key[0] == window.symptom), *(key[0] for key in loud)]))
    chosen = set(moved[:COMPONENTS])
    return sorted([key for key in loud if key[0] in chosen][: max(1, most)])


def _confidences(answer: Answer) -> list[float]:
    others = answer.causes[1:]
    total = sum(cause.score for cause in others) or 1.0
    return [answer.confidence, *(min(answer.confidence, (1 - answer.confidence) * c.score / total) for c in others)]


def _said(speaker: Speaker, cause: Cause, sure: float, since_ms: int, *, first: bool) -> Finding:
    signs = {f"deviations {sign.metric}"[:120]: sign.deviations for sign in cause.signs}
    loudest = {sign.kind: sign for sign in reversed(cause.signs)}  # the percentiles of one latency are one witness
    told = sorted(loudest.values(), key=lambda sign: -abs(sign.deviations))[:3]
    text = ", ".join(
        f"{named(s.metric)}{f' at {named(s.at)}' if s.at else ''} {shown(abs(s.deviations))} deviations {_way(s)}" for s in told
    )
    said = f"{named(cause.service)} is {'the likeliest' if first else 'a possible'} cause: "
    metric = next((sign.metric for sign in cause.signs if not sign.at), "")
    shares = {f"{SHARE}{metric}{f' at {at}' if at else ''}"[:120]: share for metric, at, share in cause.shares}
    values = {"score": cause.score, **signs, **shares}
    return speaker.say("cause", (cause.service, metric), since_ms, sure, values, said + (text or "calls that it makes changed"))


def _way(sign: Sign) -> str:
    """A share of successes is read as the failures that are left."""
    return "above normal" if (sign.deviations > 0) != (sign.kind is Kind.SUCCESS) else "below normal"
