"""The metrics that diagnosis reads, and the smallest difference that means anything in each.

A level must move by at least three of these steps (see `analysis.shifts`): flat, quiet references would otherwise make a
sensation of every tick. `absolute` is in the metric's unit, `relative` a share of the level before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watched:
    absolute: float
    relative: float

    def floor(self, level: float) -> float:
        """The smallest meaningful deviation around `level`."""
        return max(self.absolute, self.relative * abs(level)) if math.isfinite(level) else self.absolute


ERRORS = "error_rate"
FAILING = 0.02  # a share of failed requests that is trouble whatever was before
LATENCIES = ("latency_p50", "latency_p95", "latency_p99")
SYMPTOMS = (ERRORS, *LATENCIES)
RATE = "request_rate"
RETRIES = "retries_rate"
CPU = "cpu_usage"
QUEUE = "queue_depth"
MEMORY = "memory_usage"
RESTARTS = "restarts"
READY = "replicas_ready"
CONNECTIONS = "database_connections"

WATCHED: dict[str, Watched] = {
    ERRORS: Watched(0.004, 0.1),
    "latency_p50": Watched(1.0, 0.08),
    "latency_p95": Watched(3.0, 0.08),
    "latency_p99": Watched(5.0, 0.1),
    RATE: Watched(0.5, 0.05),
    RETRIES: Watched(0.5, 0.1),
    CPU: Watched(0.03, 0.05),
    QUEUE: Watched(1.0, 0.1),
    MEMORY: Watched(0.02, 0.03),
    RESTARTS: Watched(0.3, 0.1),
    READY: Watched(0.3, 0.05),
    CONNECTIONS: Watched(0.03, 0.05),
}
