"""What loads will be in 1, 6 and 24 hours, and how likely a limit is passed within the day (`analysis.forecasts`).

What several components ask for together comes first (`wholes`), then series with a limit; where nobody complains, those that
say how much is asked for (requests, processor, connections) come too. The side of its limit on which a series usually was is
the side where it should stay. Each costs a tenth of a second, and a fifth of that where its choice of methods was kept. A process
of its own learns a pool of the installation's series and keeps it in a file; without one the methods that a series' own past
chose answer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.detectors.foretelling import BAND, LEAST, course, passing
from reconciler.analysis.detectors.learned import LearnedFile
from reconciler.analysis.detectors.saying import Speaker, named, shown
from reconciler.analysis.detectors.series import Key, Values, tidy
from reconciler.analysis.detectors.wholes import of_wholes
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
LOADS = frozenset({Kind.TRAFFIC, Kind.CPU, Kind.MEMORY, Kind.DISK})


class Forecasts:
    """`series` at most are foretold."""

    name = "forecasts"
    version = "4"

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

        def foretell(history: History | Unknown, components: tuple[str, ...]) -> Forecast | Unknown:
            known = [one for one in window.occasions if not one.components or set(components) <= set(one.components)]
            return self._foretold(history, pool, known)

        found = list(of_wholes(speaker, seen, foretell))
        unknown: dict[str, int] = {}
        for key in self._chosen(seen):
            times, values = seen.samples[key]
            answer = foretell(regular(times / 1000, values), (key[0],))
            if isinstance(answer, Unknown):
                unknown[answer.reason] = unknown.get(answer.reason, 0) + 1
                continue
            found += _said(speaker, seen, key, answer)
        self._kept.save()
        return (*found, *_unknown(speaker, seen, unknown))

    def _foretold(self, history: History | Unknown, pool: Pool | None, occasions: Sequence[Occasion]) -> Forecast | Unknown:
        kept = None if isinstance(history, Unknown) else self._kept.choices(ordinary(history, occasions), alone=pool is None)
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
    values, (component, metric) = course(found), map(named, key)
    text = f"{metric} of {component} in 24 h: {shown(values['24 h low'])} to {shown(values['24 h high'])} ({found.method})"
    yield speaker.say("forecast", key, found.made_s * 1000, BAND, values, text)
    if key in window.limits:
        limit = window.limits[key]
        yield from passing(speaker, window.now_ms, key, found, limit, _above(window.samples[key][1], limit))


def _above(values: Values, limit: float) -> bool:
    """Whether the series must stay below its limit: where it usually was but for the newest hour."""
    return bool(np.median(values[: max(1, len(values) - HOUR)]) <= limit)
