"""Which component is at fault for what the alarm is about (`analysis.causes`), and which changes came just before.

Says nothing where nobody complains: without an alarm there is no fault to explain. The first cause has the calibrated confidence;
the rest of it is shared among the others by what speaks against them. A change (a release, an edit, a scaling) is suspected
when it was made to a cause, or to what the cause calls, before the trouble began: see `suspects`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.analysis.causes import Cause, Column, Kind, Recording, Sign, find
from reconciler.analysis.causes import Finding as Answer
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import loudest, normal_ms, table, tidy
from reconciler.analysis.detectors.suspects import suspects
from reconciler.model.findings import Finding
from reconciler.ports.detector import Window

TOLD = 5
CELLS = 8_000_000  # samples x series that are compared: some seconds and a few hundred MB at most


class Causes:
    """`told` causes at most."""

    name = "causes"
    version = "1"

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
        since = window.alarm_ms if answer.since is None else int(answer.since * 1000)
        if answer.unknown is not None:
            return (speaker.unknown(since, answer.unknown), *suspects(speaker, seen, [], since))
        causes = answer.causes[: self._told]
        sure = _confidences(answer)
        told = [_said(speaker, cause, sure[place], since, first=place == 0) for place, cause in enumerate(causes)]
        return (*told, *suspects(speaker, seen, [c.service for c in causes], since))


def _recording(window: Window, alarm_ms: int) -> Recording:
    keys = [key for key, (times, _) in window.samples.items() if len(times)]
    longest = max((len(window.samples[key][0]) for key in keys), default=1)
    if len(keys) * longest > CELLS:
        keys = sorted(loudest(window, max(1, CELLS // longest), keys))
    times, values = table(window, keys)
    start, end = normal_ms(window)
    columns = [Column.of(*key) for key in keys]
    return Recording.of(times / 1000, values, columns, window.calls, alarm_ms / 1000, (start / 1000, end / 1000), window.symptom)


def _confidences(answer: Answer) -> list[float]:
    others = answer.causes[1:]
    total = sum(cause.score for cause in others) or 1.0
    return [answer.confidence, *(min(answer.confidence, (1 - answer.confidence) * c.score / total) for c in others)]


def _said(speaker: Speaker, cause: Cause, sure: float, since_ms: int, *, first: bool) -> Finding:
    signs = {f"deviations {sign.metric}"[:120]: sign.deviations for sign in cause.signs}
    loudest = {sign.kind: sign for sign in reversed(cause.signs)}  # the percentiles of one latency are one witness
    told = sorted(loudest.values(), key=lambda sign: -abs(sign.deviations))[:3]
    text = ", ".join(f"{named(s.metric)} {shown(abs(s.deviations))} deviations {_way(s)}" for s in told)
    said = f"{named(cause.service)} is {'the likeliest' if first else 'a possible'} cause: "
    metric = cause.signs[0].metric if cause.signs else ""
    values = {"score": cause.score, **signs}
    return speaker.say("cause", (cause.service, metric), since_ms, sure, values, said + (text or "calls that it makes changed"))


def _way(sign: Sign) -> str:
    """A share of successes is read as the failures that are left."""
    return "above normal" if (sign.deviations > 0) != (sign.kind is Kind.SUCCESS) else "below normal"
