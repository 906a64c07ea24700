"""When did series go over to another level (`analysis.levels`), for the series that moved most.

A committee of eighteen divides each series, which takes tenths of a second: only `series` of them are looked at, one for each
component and kind of metric, each thinned to at most `SAMPLES` means that reach twice as far back as what is asked about. Told
are changes of the level by a twentieth or more since shortly before trouble may have begun; older ones are history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key, Times, Values, loudest, since_ms, table, tidy, until_ms, usual_step_ms
from reconciler.analysis.levels import changes
from reconciler.model.findings import Finding
from reconciler.ports.detector import Window

SERIES, AMONG = 5, 100  # that are looked at, and the loudest that they are chosen from
SAMPLES = 160
EARLIER_MS = 1_500_000  # a cause may come half an hour before its alarm
EVERYDAY = 0.05  # of the level
AROUND, NEAR = 30, 5  # samples on each side that give the levels, and how far a change is moved


class Levels:
    """`series` at most are looked at."""

    name = "levels"
    version = "1"

    def __init__(self, series: int = SERIES) -> None:
        self._series = series

    @property
    def settings(self) -> Mapping[str, str]:
        return {"series": str(self._series), "samples": str(SAMPLES)}

    def detect(self, window: Window) -> Sequence[Finding]:
        seen = tidy(window)
        speaker = Speaker(self.name, self.version, self.settings)
        since = since_ms(seen) - (EARLIER_MS if window.alarm_ms is not None else 0)
        found = [f for key in _chosen(seen, self._series) for f in _told(speaker, seen, key, since)]
        return sorted(found, key=lambda f: (f.at_ms, f.component, f.metric))


def _chosen(window: Window, most: int) -> list[Key]:
    """The loudest of each component and kind: three percentiles of one latency move together."""
    first: dict[tuple[str, Kind], Key] = {}
    for key in loudest(window, AMONG):
        first.setdefault((key[0], kind_of(key[1])), key)
    return list(first.values())[:most]


def _told(speaker: Speaker, window: Window, key: Key, since: int) -> Iterator[Finding]:
    times, values = _thinned(window, key, since)
    for change in changes(values, times.astype(float)).changes:
        at = _placed(values, int(np.searchsorted(times, change.time)))
        before, after = float(np.median(values[max(0, at - AROUND) : at])), float(np.median(values[at : at + AROUND]))
        if times[at] >= since and abs(after - before) > EVERYDAY * max(abs(before), abs(after)):
            yield _said(speaker, key, int(times[at]), (before, after), change.confidence)


def _placed(values: Values, at: int) -> int:
    """The committee's pieces have five samples at least, so a change near the end is placed too early: where, within those five,
    two levels fit best.
    """
    low, high = max(0, at - AROUND), min(len(values), at + AROUND)
    places = range(max(low + 1, at - NEAR), min(high - 1, at + NEAR) + 1)
    return min(places, key=lambda place: (_unlike(values[low:place]) + _unlike(values[place:high]), abs(place - at)), default=at)


def _unlike(piece: Values) -> float:
    return float(np.abs(piece - np.median(piece)).sum())


def _thinned(window: Window, key: Key, since: int) -> tuple[Times, Values]:
    """A series at its own step where `SAMPLES` of it reach far enough, else at the means of a longer one."""
    step = usual_step_ms([window.samples[key]])
    wanted = 2 * max(until_ms(window) - since, 0) // SAMPLES
    if step >= wanted:
        times, values = window.samples[key]
    else:
        times, means = table(window, [key], wanted)
        values = means[:, 0]
    last = int(np.searchsorted(times, until_ms(window), side="right"))
    return times[max(0, last - SAMPLES) : last], values[max(0, last - SAMPLES) : last]


def _said(speaker: Speaker, key: Key, at_ms: int, levels: tuple[float, float], confidence: float) -> Finding:
    before, after = levels
    component, metric = map(named, key)
    text = f"{metric} of {component} went from {shown(before)} to {shown(after)}"
    return speaker.say("change", key, at_ms, confidence, {"before": before, "after": after}, text)
