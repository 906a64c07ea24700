"""Is a breach coming within the hour: by a learned model where there is one, else by the straight line to the limit.

A model (`analysis.failures`) is learned from what an installation has seen and handed in; it answers for all components together,
with the sensors that speak for it. From minute one the straight line of the last 20 minutes answers for each series that has a
limit (given, or the whole of a share): a robust slope that rose steadily, and the time until it reaches the limit. Its
confidence is how often such lines were right on recorded, synthetic runs: nobody calibrated it on this installation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key, Values, table, tidy
from reconciler.analysis.failures.features import features
from reconciler.analysis.failures.model import EDGES, Model
from reconciler.analysis.failures.panel import LONGEST, MINUTE_MS, Panel, panel
from reconciler.analysis.growth import Growth, growth
from reconciler.model.findings import Finding
from reconciler.model.telemetry import Series
from reconciler.ports.detector import Window

LINE_MS = 20 * MINUTE_MS
LEAST_MS = 5 * MINUTE_MS  # of them that the growth has lasted: what has just fallen says little yet
HORIZON_S = 3_600.0
RIGHT = ((20, 0.85), (30, 0.65), (60, 0.55))  # minutes left, and the share of 97 lines after which a breach came within the hour
WHOLE = 1.0  # of a share
SENSORS = {Kind.CPU: "utilisation", Kind.MEMORY: "memory", Kind.TRAFFIC: "load", Kind.LATENCY: "latency", Kind.ERRORS: "errors"}
QUEUE = re.compile(r"queue|backlog", re.IGNORECASE)
FEW_MS = 3 * 3_600_000  # of history that a panel needs at most: its trends look back 90 minutes


class Failures:
    """`model` is what was learned; None while there is none."""

    name = "failures"
    version = "1"

    def __init__(self, model: Model | None = None) -> None:
        self._model = model

    @property
    def settings(self) -> Mapping[str, str]:
        return {"model": f"learned, {len(self._model.members)} members" if self._model else "straight line"}

    def detect(self, window: Window) -> Sequence[Finding]:
        seen = tidy(window)
        speaker = Speaker(self.name, self.version, self.settings)
        lines = list(_lines(speaker, seen))
        return lines if self._model is None else [*_modelled(speaker, seen, self._model), *lines]


def _lines(speaker: Speaker, window: Window) -> Iterator[Finding]:
    for key in window.samples:
        limit = _limit(window, key)
        if limit is None:
            continue
        times, values = window.samples[key]
        series = Series(*key, tuple(times.tolist()), tuple(values.tolist()))
        grown = growth(series, window.now_ms - LINE_MS, window.now_ms + 1)
        lasted = int(times[-1] - times[-grown.samples]) if grown.samples else 0
        if lasted >= LEAST_MS and grown.steady and grown.level < limit and grown.seconds_to(limit) <= HORIZON_S:
            yield _line(speaker, window, key, grown, limit, lasted)


def _limit(window: Window, key: Key) -> float | None:
    """What was given; the whole of a share of processor or memory."""
    values = window.samples[key][1]
    if key in window.limits:
        return window.limits[key]
    share = kind_of(key[1]) in (Kind.CPU, Kind.MEMORY) and len(values) and values.min() >= 0 and values.max() <= WHOLE
    return WHOLE if share else None


def _line(speaker: Speaker, window: Window, key: Key, grown: Growth, limit: float, lasted: int) -> Finding:
    left = grown.seconds_to(limit)
    sure = next(share for minutes, share in RIGHT if left <= minutes * 60)
    component, metric = map(named, key)
    pace = f"grew steadily for {lasted / MINUTE_MS:.0f} min and reaches {shown(limit)} in {left / 60:.0f} min at this pace"
    text = f"{metric} of {component} {pace}"
    values = {"lead_s": left, "limit": limit, "level": grown.level, "per_second": grown.per_second, "rising": grown.rising}
    return speaker.say("risk", key, window.now_ms + left * 1000, sure, values, text)


def _modelled(speaker: Speaker, window: Window, model: Model) -> Iterator[Finding]:
    found = features(_panel(window))
    if found.names != model.names:
        yield speaker.unknown(window.now_ms, "the learned model asks for other features than these: learn it again")
        return
    if not len(found.rows) or not found.known[-1]:
        yield speaker.unknown(window.now_ms, "no processor or memory share was measured in the newest minutes")
        return
    last = found.rows[-1:]
    outlook = model.outlook(last, np.array([True]))
    chance, minutes = float(outlook.within(EDGES[-1])[0]), float(outlook.minutes()[0])
    factors = model.factors(last)[0]
    first = next(iter(factors), "")
    within = {f"within {edge:g} min": float(outlook.within(edge)[0]) for edge in EDGES}
    lead = {"lead_s": minutes * 60, "threshold": model.threshold}
    text = f"a breach within the hour has the chance {chance:.2f}; most speaks {named(first)} for it"
    values = {**within, **lead, **{f"factor {name}": value for name, value in factors.items()}}
    yield speaker.say("risk", ("", ""), window.now_ms, chance, values, text)


def _panel(window: Window) -> Panel:
    """Sensors as rows by components, newest hours only; of several metrics of one kind the first by name."""
    chosen: dict[str, dict[str, Key]] = {}
    for component, metric in window.samples:
        sensor = "queue" if QUEUE.search(metric) else SENSORS.get(kind_of(metric))
        if sensor:
            chosen.setdefault(sensor, {}).setdefault(component, (component, metric))
    keys = [key for of in chosen.values() for key in of.values()]
    times, values = table(window, keys)
    recent = times > window.now_ms - min(FEW_MS, LONGEST * MINUTE_MS)
    columns: dict[str, Values] = {}
    for sensor, of in chosen.items():
        columns[sensor] = values[recent][:, [keys.index(key) for key in of.values()]]
    return panel(times[recent], columns)
