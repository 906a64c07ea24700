"""Which samples are odd beside their own series' past (`analysis.anomalies`), at the rate of alarms that was asked for.

Each series is judged as if its samples arrived one by one, so a later sample changes no earlier answer. Told is the newest alarm
of a series since trouble may have begun. A series with fewer than 150 samples is not judged; when that holds for all of
them, the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reconciler.analysis.anomalies import anomalies
from reconciler.analysis.anomalies.tails import WARM
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key, counts_time, loudest, since_ms, tidy, until_ms
from reconciler.model.canonical import number
from reconciler.model.findings import Finding
from reconciler.ports.detector import Window

SERIES = 30
LONGEST = 2_000  # samples: the cost of a series grows with the square of its length
PER_DAY = 0.5


class AnomalyDetector:
    """`per_day` alarms are expected of one series while all is well; `series` at most are looked at."""

    name = "anomalies"
    version = "1"

    def __init__(self, per_day: float = PER_DAY, series: int = SERIES) -> None:
        self._per_day, self._series = per_day, series

    @property
    def settings(self) -> Mapping[str, str]:
        return {"per_day": number(self._per_day), "series": str(self._series), "samples": str(LONGEST)}

    def detect(self, window: Window) -> Sequence[Finding]:
        seen = tidy(window)
        speaker = Speaker(self.name, self.version, self.settings)
        long = [key for key, (times, _) in seen.samples.items() if len(times) > WARM]
        if not long and any(len(times) for times, _ in seen.samples.values()):
            return (speaker.unknown(window.now_ms, f"no series has the {WARM} samples that are needed to know what is odd"),)
        long = [key for key in long if not counts_time(*seen.samples[key])]
        told = (self._told(speaker, seen, key) for key in loudest(seen, self._series, long))
        return [finding for finding in told if finding]

    def _told(self, speaker: Speaker, window: Window, key: Key) -> Finding | None:
        times, values = window.samples[key]
        times, values = times[-LONGEST:], values[-LONGEST:]
        found = anomalies(times, values)
        alarms = np.flatnonzero(found.alarms(self._per_day) & (times >= since_ms(window)) & (times <= until_ms(window)))
        if not len(alarms):
            return None
        at = int(alarms[-1])
        days = float(found.every_days[at])
        views = {name: float(part[at]) for name, part in found.evidence.items()}
        view = max(views, key=lambda name: views[name])
        text = f"{named(key[1])} of {named(key[0])} is odd at {shown(values[at])}, most by {view}"
        told = {"value": float(values[at]), "every_days": days, "surprise": float(found.surprise[at]), **views}
        # by the rate that was asked for: a peak that should come once in so many days against `per_day` false ones
        return speaker.say("anomaly", key, int(times[at]), 1 - 1 / (1 + days * self._per_day), told, text)
