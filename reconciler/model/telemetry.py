"""Series and the call graph as read from a Telemetry. Floats live here: telemetry is read, never signed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one component over time; `times` in ms ascending, gaps are gaps."""

    component: str
    metric: str
    times: tuple[int, ...]
    values: tuple[float, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """Who calls whom: (caller, callee), sorted."""

    components: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]

    def callers(self, component: str) -> tuple[str, ...]:
        return tuple(sorted({a for a, b in self.calls if b == component}))

    def callees(self, component: str) -> tuple[str, ...]:
        return tuple(sorted({b for a, b in self.calls if a == component}))
