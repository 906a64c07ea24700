"""MemoryTelemetry: a real Telemetry that holds what a test puts into it, and fails when a test says so."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from reconciler.errors import Retryable
from reconciler.model.telemetry import Series, Topology


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
