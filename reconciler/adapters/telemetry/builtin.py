"""BuiltinTelemetry: scraped samples as components, metrics and a call graph (`ports.telemetry.Telemetry`).

In: samples of one page with the prefix and label that its source declares. Out: series by plain names. A sample
whose only label is the component's is `metric`; further labels are part of the metric's name, as in
`calls_total{callee=payment}`. The call graph is read from `calls_total`: who called whom within the last hour.
Names that could not be a component or a metric are dropped: what is measured never brings its own vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.telemetry.exposition import Sample
from reconciler.adapters.telemetry.gridding import gridded
from reconciler.adapters.telemetry.samples import Bounds, Row, SampleStore
from reconciler.model.telemetry import Grid, Series, Topology

if TYPE_CHECKING:
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
    """Reads are safe beside the scraper's writes, also from another process."""

    def __init__(self, path: Path | str, bounds: Bounds | None = None) -> None:
        self._samples = SampleStore(path, bounds)
        self._retention = (bounds or Bounds()).retention_ms
        self._topology: tuple[int, Topology] = (-1, Topology((), ()))

    def close(self) -> None:
        self._samples.close()

    def ingest(self, samples: Sequence[Sample], now_ms: int, *, prefix: str = "lab_", label: str = "service") -> int:
        """Stores one page; a late sample lands at its own time, one beyond the retention or ahead of `now` nowhere."""
        return self._samples.write(list(self._rows(samples, now_ms, prefix, label)))

    def write(self, rows: Sequence[Row], now_ms: int) -> int:
        """Stores rows whose names were checked by who made them; the same bounds of time hold."""
        return self._samples.write([row for row in rows if now_ms - self._retention <= row[2] <= now_ms + AHEAD_MS])

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        points = self._samples.range(component, metric, start_ms, end_ms)
        times, values = zip(*points, strict=True) if points else ((), ())
        return Series(component, metric, times, values)

    def window(self, components: Collection[str] | None, start_ms: int, end_ms: int) -> Mapping[tuple[str, str], Samples]:
        import numpy as np

        owners = {owner for owner in self.topology().components if components is None or owner in components}
        read = (self.series(owner, metric, start_ms, end_ms) for owner in sorted(owners) for metric in self.metrics(owner))
        return {(s.component, s.metric): (np.array(s.times, dtype=np.int64), np.array(s.values)) for s in read if s.times}

    def grid(self, components: Collection[str] | None, start_ms: int, end_ms: int, step_ms: int) -> Grid:
        return gridded(self.window(components, start_ms, end_ms - 1), start_ms, end_ms, step_ms)

    def metrics(self, component: str) -> Sequence[str]:
        rows = self._samples.read("SELECT metric FROM series WHERE component = ? ORDER BY metric", component)
        return tuple(str(row[0]) for row in rows)

    def newest_ms(self) -> int:
        return self._samples.newest()

    def topology(self) -> Topology:
        """Made once per scrape: a sensor asks for every component."""
        newest = self.newest_ms()
        if self._topology[0] != newest:
            self._topology = (newest, self._read_topology(newest))
        return self._topology[1]

    def _read_topology(self, newest: int) -> Topology:
        since = newest - RECENT_MS
        query = """SELECT component, metric FROM series WHERE EXISTS
            (SELECT 1 FROM sample WHERE sample.series = series.id AND t >= ? AND {condition})"""
        alive = {str(row[0]) for row in self._samples.read(query.format(condition="1"), since)}
        called = self._samples.read(query.format(condition="v > 0") + " AND metric LIKE 'calls_total{%'", since)
        edges = ((str(row[0]), _EDGE.fullmatch(str(row[1]))) for row in called)
        calls = sorted({(caller, found[1]) for caller, found in edges if found})
        return Topology(tuple(sorted(alive | {callee for _, callee in calls})), tuple(calls))

    def _rows(self, samples: Sequence[Sample], now_ms: int, prefix: str, label: str) -> Iterator[Row]:
        for sample in samples:
            time = now_ms if sample.time_ms is None else sample.time_ms
            names = _names(sample, prefix, label)
            if names and now_ms - self._retention <= time <= now_ms + AHEAD_MS:
                yield (*names, time, sample.value)


def _names(sample: Sample, prefix: str, label: str) -> tuple[str, str] | None:
    """Component and metric, None for what is not ours."""
    labels = dict(sample.labels)
    component, metric = labels.pop(label, ""), sample.name.removeprefix(prefix)
    if not (sample.name.startswith(prefix) and _COMPONENT.fullmatch(component) and _METRIC.fullmatch(metric)):
        return None
    if len(labels) > _MAX_EXTRA or not all(_LABEL_VALUE.fullmatch(value) for value in labels.values()):
        return None
    extra = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return component, f"{metric}{{{extra}}}" if extra else metric
