"""Series and the call graph as read from a Telemetry. Floats live here: telemetry is read, never signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one component over time; `times` in ms ascending, gaps are gaps."""

    component: str
    metric: str
    times: tuple[int, ...]
    values: tuple[float, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Series by rows, steps of time by columns. What a step without samples has is NaN, and its count is 0."""

    series: tuple[tuple[str, str], ...]  # (component, metric), sorted
    times: NDArray[np.int64]  # when each step begins
    count: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    last: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TracedCall:
    """One call of a trace, for whoever wants to see it whole in a tracing tool."""

    caller: str
    callee: str
    operation: str  # what the span is called, harmless; "" where it has no name
    trace: str  # 32 hex digits
    at_ms: int  # when it ended
    duration_ms: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Topology:
    """Who calls whom: (caller, callee), sorted."""

    components: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]

    def callers(self, component: str) -> tuple[str, ...]:
        return tuple(sorted({a for a, b in self.calls if b == component}))

    def callees(self, component: str) -> tuple[str, ...]:
        return tuple(sorted({b for a, b in self.calls if a == component}))
