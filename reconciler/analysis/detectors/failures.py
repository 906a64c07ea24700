"""Is a breach coming within the hour: by the straight line to the limit, and by a learned model where there is one.

A model (`analysis.failures`) is learned from what the installation has seen, in a process of its own that writes a file; it
answers for each service with what that calls, with the sensors that speak for it, and the component that its strongest sensor
speaks of. From minute one the straight line of the last 20 minutes answers for each series that has a limit (given, or the whole
of a share): a robust slope that rose steadily, and the time until it reaches the limit. Its confidence is how often such lines
were right on recorded, synthetic runs: nobody calibrated it on this installation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.detectors.learned import LearnedFile
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key, tidy
from reconciler.analysis.failures.features import features
from reconciler.analysis.failures.model import EDGES, Model
from reconciler.analysis.failures.panel import MINUTE_MS, Panel
from reconciler.analysis.failures.saving import loaded
from reconciler.analysis.failures.services import service_panel, surroundings
from reconciler.analysis.growth import Growth, growth
from reconciler.model.findings import Finding
from reconciler.model.telemetry import Series
from reconciler.ports.detector import Window

LINE_MS = 20 * MINUTE_MS
LEAST_MS = 5 * MINUTE_MS  # of them that the growth has lasted: what has just fallen says little yet
HORIZON_S = 3_600.0
RIGHT = ((20, 0.85), (30, 0.65), (60, 0.55))  # minutes left, and the share of 97 lines after which a breach came within the hour
WHOLE = 1.0  # of a share
BACK_MS = 3 * 3_600_000  # of history that a panel needs at most: its trends look back 90 minutes
LEAST = 0.05  # a breach less likely than this is not told
MOST_SERVICES = 200
NAMES = features(Panel(np.empty(0, np.int64), {})).names


class Failures:
    """By straight lines, and by what was learned once there is something."""

    name = "failures"
    version = "2"

    def __init__(self) -> None:
        self._learned: LearnedFile[Model] | None = None

    def learn_from(self, file: Path) -> None:
        """Where another process keeps what was learned; looked at before each answer."""
        self._learned = LearnedFile(file, _usable)

    @property
    def settings(self) -> Mapping[str, str]:
        learned = self._learned
        return {"model": f"learned, {learned.stamp}" if learned and learned.current() else "straight line"}

    def detect(self, window: Window) -> Sequence[Finding]:
        model = self._learned.current() if self._learned else None
        seen = tidy(window)
        speaker = Speaker(self.name, self.version, self.settings)
        lines = list(_lines(speaker, seen))
        return lines if model is None else [*_modelled(speaker, seen, model), *lines]


def _usable(raw: bytes) -> Model | None:
    model = loaded(raw).model
    return model if model and model.useful and model.names == NAMES else None


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
    """The likeliest breach of each component that speaks for one."""
    services = sorted({component for component, _ in window.samples})
    said = [one for service in services[:MOST_SERVICES] if (one := _foretold(speaker, window, model, service))]
    likeliest: dict[str, Finding] = {}
    for finding in sorted(said, key=lambda one: -float(one.confidence)):
        likeliest.setdefault(finding.component, finding)
    yield from likeliest.values()


def _foretold(speaker: Speaker, window: Window, model: Model, service: str) -> Finding | None:
    """None where nothing bounded was measured in the newest minutes, or where nothing speaks for a breach."""
    seen = service_panel(window.samples, surroundings(service, window.calls), window.now_ms - BACK_MS, window.now_ms)
    if seen is None:
        return None
    found = features(seen.panel)
    last = found.rows[-1:]
    outlook = model.outlook(last, found.known[-1:])
    chance = float(outlook.within(EDGES[-1])[0])
    if not chance >= LEAST:  # unknown, too
        return None
    factors = model.factors(last)[0]
    sensor = next((name for name, share in factors.items() if share > 0 and name in seen.keys), "")
    if not sensor:
        return None
    key = seen.keys[sensor][int(found.worst[sensor][-1])]
    minutes = float(outlook.minutes()[0])  # NaN where it rather does not come
    left = f", about {minutes:.0f} min from now" if np.isfinite(minutes) else ""
    most = f"{named(key[1])} of {named(key[0])} speaks most for it"
    text = f"{named(service)} fails within the hour with a chance of {chance:.2f}{left}: {most}"
    values = {f"within {edge:g} min": float(outlook.within(edge)[0]) for edge in EDGES}
    values |= {"lead_s": minutes * 60, "threshold": model.threshold, "level": float(window.samples[key][1][-1])}
    values |= {f"factor {name}": value for name, value in factors.items() if value > 0}
    at = window.now_ms + 60_000 * (minutes if np.isfinite(minutes) else EDGES[-1])
    return speaker.say("risk", key, at, chance, values, text)
