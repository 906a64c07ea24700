"""BuiltinTelemetry: scraped samples as components, metrics and a call graph (`ports.telemetry.Telemetry`).

In: samples of one page with the prefix and label that its source declares. Out: series by plain names. A sample
whose only label is the component's is `metric`; further labels are part of the metric's name, as in
`calls_total{callee=payment}`. The call graph is read from `calls_total`: who called whom within the last hour.
Names that could not be a component or a metric are dropped: what is measured never brings its own vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.telemetry.bounds import Bounds
from reconciler.adapters.telemetry.exposition import Sample
from reconciler.model.telemetry import Grid, Series, Topology

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.samples import Row, SampleStore
    from reconciler.ports.telemetry import Samples

CALLS = "calls_total"
RECENT_MS = 3_600_000  # who was silent for an hour is gone
AHEAD_MS = 1_000  # a page's own times may run ahead this far; the future is not measured

_COMPONENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_METRIC = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9_.:-]{1,63}")
_EDGE = re.compile(r"calls_total\{callee=([a-z0-9-]{1,63})\}")
_MAX_EXTRA = 2  # labels beside the component's


class BuiltinTelemetry:
    """Reads are safe beside the scraper's writes, also from another process. `now`: what a clock that ran ahead left behind is
    later, and hides nothing; without it nothing is.
    """

    def __init__(self, path: Path | str, bounds: Bounds | None = None, now: Callable[[], int] | None = None) -> None:
        self._path, self._bounds, self._now = Path(path), bounds or Bounds(), now
        self._topology: tuple[int, Topology] = (-1, Topology((), ()))

    @cached_property
    def _samples(self) -> SampleStore:
        """Opened when it is first asked: numpy and the files, that a command without telemetry does not pay."""
        from reconciler.adapters.telemetry.samples import SampleStore

        now = self._now
        return SampleStore(self._path, self._bounds, (lambda: now() + AHEAD_MS) if now else None)

    def close(self) -> None:
        if "_samples" in self.__dict__:
            self._samples.close()

    def ingest(self, samples: Sequence[Sample], now_ms: int, *, prefix: str = "lab_", label: str = "service") -> int:
        """Stores one page; a late sample lands at its own time, one beyond the retention or ahead of `now` nowhere."""
        return self._samples.write(list(self._rows(samples, now_ms, prefix, label)))

    def write(self, rows: Sequence[Row], now_ms: int, *, sent: bool = False) -> int:
        """Stores rows whose names were checked by who made them; the same bounds of time hold."""
        oldest_ms = now_ms - self._bounds.retention_ms
        return self._samples.write([row for row in rows if oldest_ms <= row[2] <= now_ms + AHEAD_MS], sent=sent)

    @property
    def refused(self) -> int:
        """Samples of series that were one too many, since the start."""
        return self._samples.refused if "_samples" in self.__dict__ else 0

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        times, values = self._samples.range(component, metric, start_ms, end_ms)
        return Series(component, metric, tuple(times.tolist()), tuple(values.tolist()))

    def window(self, components: Collection[str] | None, start_ms: int, end_ms: int) -> Mapping[tuple[str, str], Samples]:
        return self._samples.window(components, start_ms, end_ms)

    def grid(self, components: Collection[str] | None, start_ms: int, end_ms: int, step_ms: int) -> Grid:
        return self._samples.grid(components, start_ms, end_ms, step_ms)

    def metrics(self, component: str) -> Sequence[str]:
        return self._samples.metrics(component)

    def newest_ms(self) -> int:
        return self._samples.newest()

    def topology(self) -> Topology:
        """Made once per scrape: a sensor asks for every component."""
        newest = self.newest_ms()
        if self._topology[0] != newest:
            self._topology = (newest, self._read_topology(newest))
        return self._topology[1]

    def _read_topology(self, newest: int) -> Topology:
        alive = self._samples.alive(newest - RECENT_MS)
        edges = ((component, metric, _EDGE.fullmatch(metric)) for component, metric in alive)
        calls = sorted(
            {
                (caller, found[1])
                for caller, metric, found in edges
                if found and self._samples.range(caller, metric, newest - RECENT_MS, newest)[1].max(initial=0.0) > 0
            }
        )
        components = {component for component, _ in alive} | {callee for _, callee in calls}
        return Topology(tuple(sorted(components)), tuple(calls))

    def _rows(self, samples: Sequence[Sample], now_ms: int, prefix: str, label: str) -> Iterator[Row]:
        for sample in samples:
            time = now_ms if sample.time_ms is None else sample.time_ms
            names = _names(sample.name, sample.labels, prefix, label)
            if names and now_ms - self._bounds.retention_ms <= time <= now_ms + AHEAD_MS:
                yield (*names, time, sample.value)


@lru_cache(maxsize=8_192)  # every scrape brings the same ones again
def _names(name: str, pairs: tuple[tuple[str, str], ...], prefix: str, label: str) -> tuple[str, str] | None:
    """Component and metric, None for what is not ours."""
    labels = dict(pairs)
    component, metric = labels.pop(label, ""), name.removeprefix(prefix)
    if not (name.startswith(prefix) and _COMPONENT.fullmatch(component) and _METRIC.fullmatch(metric)):
        return None
    if len(labels) > _MAX_EXTRA or not all(_LABEL_VALUE.fullmatch(value) for value in labels.values()):
        return None
    extra = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return component, f"{metric}{{{extra}}}" if extra else metric
