"""Telemetry: what is measured. A source that cannot answer raises Retryable; missing data is a gap, never a zero."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from reconciler.model.telemetry import Grid, Series, Topology, TracedCall

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = tuple[NDArray[np.int64], NDArray[np.float64]]  # times in ms ascending, values


class Telemetry(Protocol):
    """Components and metrics are plain names. `metric` uses the sensor names (latency_p99, error_rate, ...)."""

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        """Samples in [start, end]; an unknown series is empty."""
        ...

    def metrics(self, component: str) -> Sequence[str]: ...

    def topology(self) -> Topology: ...

    def newest_ms(self) -> int:
        """When the newest sample was taken that is not in the future; 0 when there is none. Old means blind."""
        ...


class BulkTelemetry(Telemetry, Protocol):
    """Many series in one read, as arrays: for whoever looks at everything at once. Arrays belong to the reader."""

    def window(self, components: Collection[str] | None, start_ms: int, end_ms: int) -> Mapping[tuple[str, str], Samples]:
        """By (component, metric), sorted: every series with a sample in [start, end]; None is every component."""
        ...

    def grid(self, components: Collection[str] | None, start_ms: int, end_ms: int, step_ms: int) -> Grid:
        """The same in steps of [start + k * step, + step) over [start, end): a step without samples is NaN, its count 0."""
        ...


class Traces(Protocol):
    """A bounded sample of the calls of the last hour: those that failed, and the slowest. What does not fit is left out."""

    def keep(self, calls: Sequence[TracedCall], now_ms: int) -> None:
        """Adds these; survives a restart. Retryable where nothing can be written."""
        ...

    def calls(self, start_ms: int, end_ms: int) -> Sequence[TracedCall]:
        """That ended in [start, end], by time; none rather than an error where nothing can be read."""
        ...
