"""What loads will be in 1, 6 and 24 hours, and how likely a limit is passed within the day (`analysis.forecasts`).

Series with a limit come first; where nobody complains, those that say how much is asked for (requests, processor, connections)
come too. The side of its limit on which a series usually was is the side where it should stay. Each costs a tenth of a second,
and a fifth of that where its choice of methods was kept. A process of its own learns a pool of the installation's series and
keeps it in a file; without one the methods that a series' own past chose answer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.detectors.learned import LearnedFile
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key, Values, tidy
from reconciler.analysis.forecasts.breach import Breach, breach
from reconciler.analysis.forecasts.calendar import ordinary
from reconciler.analysis.forecasts.forecast import Forecast, Pool, forecast
from reconciler.analysis.forecasts.history import HOUR, History, Unknown, regular
from reconciler.analysis.forecasts.refresh import Kept
from reconciler.analysis.forecasts.saving import loaded
from reconciler.model.canonical import number
from reconciler.model.findings import Finding
from reconciler.model.occasions import Occasion
from reconciler.ports.detector import Window

SERIES = 40
BAND = 0.8
LEAST = 0.02  # a breach less likely than this is not told
HOURS = (1, 6, 24)
LOADS = frozenset({Kind.TRAFFIC, Kind.CPU, Kind.MEMORY, Kind.DISK})


class Forecasts:
    """`series` at most are foretold."""

    name = "forecasts"
    version = "3"

    def __init__(self, series: int = SERIES) -> None:
        self._series, self._kept = series, Kept()
        self._pool: LearnedFile[Pool] | None = None

    def keep_in(self, file: Path) -> None:
        """Where choices outlive the process. They change how long a forecast takes, and not what it says."""
        self._kept = Kept(file)

    def learn_from(self, file: Path) -> None:
        """Where another process keeps the pool; looked at before each answer."""
        self._pool = LearnedFile(file, lambda raw: loaded(raw)[0])

    @property
    def settings(self) -> Mapping[str, str]:
        pool = self._pool.stamp if self._pool and self._pool.current() else ""
        return {"series": str(self._series), "band": number(BAND), "least": number(LEAST), "pool": pool}

    def detect(self, window: Window) -> Sequence[Finding]:
        pool = self._pool.current() if self._pool else None
        seen = tidy(window)
        speaker = Speaker(self.name, self.version, self.settings)
        found: list[Finding] = []
        unknown: dict[str, int] = {}
        for key in self._chosen(seen):
            times, values = seen.samples[key]
            occasions = [one for one in window.occasions if not one.components or key[0] in one.components]
            answer = self._foretold(regular(times / 1000, values), pool, occasions)
            if isinstance(answer, Unknown):
                unknown[answer.reason] = unknown.get(answer.reason, 0) + 1
                continue
            found += _said(speaker, seen, key, answer)
        self._kept.save()
        return (*found, *_unknown(speaker, seen, unknown))

    def _foretold(self, history: History | Unknown, pool: Pool | None, occasions: Sequence[Occasion]) -> Forecast | Unknown:
        kept = None if isinstance(history, Unknown) else self._kept.choices(ordinary(history, occasions))
        return forecast(history, pool, kept, occasions)

    def _chosen(self, window: Window) -> list[Key]:
        limited = [key for key in window.samples if key in window.limits]
        loads = [key for key in window.samples if window.alarm_ms is None and kind_of(key[1]) in LOADS]
        return list(dict.fromkeys(limited + loads))[: self._series]


def _unknown(speaker: Speaker, window: Window, reasons: Mapping[str, int]) -> Iterator[Finding]:
    if reasons:
        most = max(sorted(reasons), key=lambda reason: reasons[reason])
        yield speaker.unknown(window.now_ms, f"{sum(reasons.values())} series have no forecast, most because of {most}")


def _said(speaker: Speaker, window: Window, key: Key, found: Forecast) -> Iterator[Finding]:
    low, high = found.hourly.between(BAND)
    values: dict[str, float] = {}
    for hour in HOURS:
        at = hour - 1
        values |= {f"{hour} h": float(found.hourly.quantiles[at, found.hourly.quantiles.shape[1] // 2])}
        values |= {f"{hour} h low": float(low[at]), f"{hour} h high": float(high[at])}
    component, metric = map(named, key)
    text = f"{metric} of {component} in 24 h: {shown(values['24 h low'])} to {shown(values['24 h high'])} ({found.method})"
    yield speaker.say("forecast", key, found.made_s * 1000, BAND, values, text)
    if key in window.limits:
        yield from _breach(speaker, window, key, found)


def _breach(speaker: Speaker, window: Window, key: Key, found: Forecast) -> Iterator[Finding]:
    limit = window.limits[key]
    answer = breach(found, limit, above=_above(window.samples[key][1], limit))
    component, metric = map(named, key)
    if isinstance(answer, Unknown):
        yield speaker.unknown(window.now_ms, f"when {metric} of {component} passes {shown(limit)}: {answer.reason}", key)
    elif answer.probability >= LEAST and answer.at_s is not None:
        yield speaker.say("breach", key, *_when(found, answer), _numbers(answer, limit), _sentence(key, answer, limit))


def _when(found: Forecast, answer: Breach) -> tuple[float, float]:
    return (found.made_s + (answer.at_s or 0.0)) * 1000, answer.probability


def _numbers(answer: Breach, limit: float) -> dict[str, float]:
    soonest, middle = answer.soonest_s, answer.at_s
    told = {"limit": limit, "probability": answer.probability, "paths": float(answer.paths)}
    return told | ({} if soonest is None or middle is None else {"lead_s": middle, "soonest_s": soonest})


def _sentence(key: Key, answer: Breach, limit: float) -> str:
    component, metric = map(named, key)
    likely = f"with probability {answer.probability:.2f}, most likely in {(answer.at_s or 0.0) / 3600:.1f} h"
    return f"{metric} of {component} passes {shown(limit)} within 24 h {likely}"


def _above(values: Values, limit: float) -> bool:
    """Whether the series must stay below its limit: where it usually was but for the newest hour."""
    return bool(np.median(values[: max(1, len(values) - HOUR)]) <= limit)
