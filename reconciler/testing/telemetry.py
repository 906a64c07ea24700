"""MemoryTelemetry: a real Telemetry that holds what a test puts into it, and fails when a test says so."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.errors import Retryable
from reconciler.model.telemetry import Grid, Series, Topology

if TYPE_CHECKING:
    from reconciler.ports.telemetry import Samples


class MemoryTelemetry:
    """Series by (component, metric). `failing` makes every read raise Retryable, as a source that cannot answer does."""

    def __init__(self, calls: Iterable[tuple[str, str]] = (), components: Iterable[str] = ()) -> None:
        edges = tuple(sorted(set(calls)))
        names = {name for edge in edges for name in edge} | set(components)
        self._topology = Topology(components=tuple(sorted(names)), calls=edges)
        self._samples: dict[tuple[str, str], dict[int, float]] = {}
        self.failing = False
        self.reads = 0

    def put(self, component: str, metric: str, samples: Iterable[tuple[int, float]]) -> None:
        """Adds samples; a later value for the same time replaces the earlier one."""
        self._samples.setdefault((component, metric), {}).update(samples)

    def forget(self, component: str, metric: str, since_ms: int = 0) -> None:
        """Makes a gap: drops the samples from `since_ms` on."""
        kept = {t: v for t, v in self._samples.get((component, metric), {}).items() if t < since_ms}
        self._samples[(component, metric)] = kept

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        self._answer()
        held = self._samples.get((component, metric), {})
        times = sorted(held)
        kept = times[bisect_left(times, start_ms) : bisect_right(times, end_ms)]
        return Series(component, metric, tuple(kept), tuple(held[t] for t in kept))

    def window(self, components: Collection[str] | None, start_ms: int, end_ms: int) -> Mapping[tuple[str, str], Samples]:
        import numpy as np

        wanted = [key for key in sorted(self._samples) if components is None or key[0] in components]
        read = {key: self.series(*key, start_ms, end_ms) for key in wanted}
        return {key: (np.array(s.times, dtype=np.int64), np.array(s.values)) for key, s in read.items() if s.times}

    def grid(self, components: Collection[str] | None, start_ms: int, end_ms: int, step_ms: int) -> Grid:
        import numpy as np

        read = self.window(components, start_ms, end_ms - 1)
        times = np.arange(start_ms, end_ms, step_ms, dtype=np.int64)
        count, low, high, mean, last = np.full((5, len(read), len(times)), np.nan)
        for row, (taken, values) in enumerate(read.values()):
            for step in sorted(set((taken - start_ms) // step_ms)):
                held = values[(taken - start_ms) // step_ms == step]
                low[row, step], high[row, step], mean[row, step], last[row, step] = held.min(), held.max(), held.mean(), held[-1]
                count[row, step] = len(held)
        return Grid(tuple(read), times, np.nan_to_num(count).astype(np.int64), low, high, mean, last)

    def metrics(self, component: str) -> Sequence[str]:
        self._answer()
        return tuple(sorted(metric for owner, metric in self._samples if owner == component))

    def topology(self) -> Topology:
        self._answer()
        return self._topology

    def newest_ms(self) -> int:
        self._answer()
        return max((t for samples in self._samples.values() for t in samples), default=0)

    def _answer(self) -> None:
        self.reads += 1
        if self.failing:
            raise Retryable("telemetry did not answer", next_step="look again once the source is back")
