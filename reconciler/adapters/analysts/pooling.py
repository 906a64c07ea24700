"""A pool of forecasts, learned once a day of the loads that the installation has measured for long enough.

Where it would not have foretold the last two days better than the methods that each series' own past chose, nothing is kept: few
series, or series that have nothing in common, teach each other nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.analysts.maintained import without_maintenance
from reconciler.adapters.jsonfile import write_whole
from reconciler.analysis.causes import kind_of
from reconciler.analysis.detectors.forecasts import LOADS
from reconciler.analysis.forecasts.calendar import ordinary
from reconciler.analysis.forecasts.forecast import Pool, learnt
from reconciler.analysis.forecasts.history import DAY, History, regular
from reconciler.analysis.forecasts.saving import dumped, loaded
from reconciler.analysis.forecasts.trial import gained
from reconciler.model.canonical import number
from reconciler.model.findings import Finding
from reconciler.ports.analyst import Inquiry
from reconciler.ports.telemetry import BulkTelemetry

if TYPE_CHECKING:
    from reconciler.analysis.forecasts.history import Array
    from reconciler.ports.telemetry import Samples

DAY_MS = 86_400_000
STEP_MS = 300_000
LEAST_DAYS = 7
FEWEST = 8  # series
MOST = 40  # series; learned in about a second each
PORTION = 500  # series that are read at once: 80 MB of steps
MOST_READ = 20_000  # series that are looked through for loads


class Pooling:
    """`file` holds the newest pool."""

    def __init__(self, telemetry: BulkTelemetry, file: Path) -> None:
        self._telemetry, self._file = telemetry, file

    def learn(self, inquiry: Inquiry) -> Finding | None:
        """What was learned now; None where it is not a day since."""
        made_ms = self._made_ms()
        if made_ms and 0 <= inquiry.now_ms - made_ms < DAY_MS:
            return None
        pasts = self._pasts(inquiry)
        pool = learnt(pasts) if len(pasts) >= FEWEST else None
        gain = gained(pool, pasts) if pool else 0.0
        write_whole(self._file, dumped(pool if gain > 0 else None, inquiry.now_ms))
        return _told(inquiry.now_ms, len(pasts), pool, gain)

    def _made_ms(self) -> int:
        try:
            return loaded(self._file.read_bytes())[1]
        except (OSError, ValueError):
            return 0

    def _pasts(self, inquiry: Inquiry) -> list[Array]:
        """Of the loads with a week behind them, as many as may be, in an order that has nothing to do with their names."""
        found: list[Array] = []
        for components in self._portions():
            for key, samples in self._loads(components, inquiry):
                past = _past(inquiry, key, samples)
                if past is not None:
                    found.append(past)
                if len(found) == MOST:
                    return found
        return found

    def _portions(self) -> Iterator[list[str]]:
        """Components with loads, so many at once as memory is there for."""
        portion: list[str] = []
        held = read = 0
        for component in sorted(self._telemetry.topology().components, key=_mixed):
            metrics = self._telemetry.metrics(component)
            if not any(kind_of(metric) in LOADS for metric in metrics):
                continue
            if portion and held + len(metrics) > PORTION:
                yield portion
                portion, held = [], 0
            portion, held, read = [*portion, component], held + len(metrics), read + len(metrics)
            if read > MOST_READ:
                break
        if portion:
            yield portion

    def _loads(self, components: list[str], inquiry: Inquiry) -> Iterator[tuple[tuple[str, str], Samples]]:
        start = inquiry.start_ms - inquiry.start_ms % STEP_MS
        grid = self._telemetry.grid(components, start, inquiry.now_ms, STEP_MS)
        rows = [row for row, key in enumerate(grid.series) if kind_of(key[1]) in LOADS]
        for row in sorted(rows, key=lambda row: _mixed("\n".join(grid.series[row]))):
            taken = grid.count[row] > 0
            yield grid.series[row], (grid.times[taken], grid.mean[row][taken])


def _mixed(name: str) -> bytes:
    return hashlib.blake2b(name.encode()).digest()


def _past(inquiry: Inquiry, key: tuple[str, str], samples: Samples) -> Array | None:
    """None for one that is too young, or never moved."""
    left = without_maintenance(inquiry, {key: samples}).get(key)
    history = None if left is None else regular(left[0] / 1000, left[1])
    if not isinstance(history, History):
        return None
    occasions = [one for one in inquiry.occasions if not one.components or key[0] in one.components]
    values = ordinary(history, occasions).values
    return values if len(values) >= LEAST_DAYS * DAY and values.min() < values.max() else None


def _told(now_ms: int, series: int, pool: Pool | None, gain: float) -> Finding:
    if pool is None:
        text = f"forecasts learn of no other series yet: {series} of at least {FEWEST} loads have a week behind them"
    elif gain > 0:
        text = f"forecasts learn of {series} loads: in two days {100 * gain:.2g} % of the load less would have been missed"
    else:
        text = f"forecasts do not learn of other series: with {series} of them more of two days would have been missed"
    values = (("series", number(series)), ("gain", number(gain)))
    return Finding("forecasts", "3", "", "lesson", "", "", now_ms, "0", values, text)
