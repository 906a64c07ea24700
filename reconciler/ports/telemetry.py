"""Telemetry: what is measured. A source that cannot answer raises Retryable; missing data is a gap, never a zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.model.telemetry import Series, Topology


class Telemetry(Protocol):
    """Components and metrics are plain names. `metric` uses the sensor names (latency_p99, error_rate, ...)."""

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        """Samples in [start, end]; an unknown series is empty."""
        ...

    def metrics(self, component: str) -> Sequence[str]: ...

    def topology(self) -> Topology: ...

    def newest_ms(self) -> int:
        """When the newest sample was taken; 0 when there is none. Old means blind."""
        ...
