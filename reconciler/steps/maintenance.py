"""Maintenance: on which components people work, for whoever would alarm about them, and for whoever learns what is normal.

In: the Maintenance documents in force. Out: the windows that are open, or were. A repair is judged by policy's own gate.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.documents.maintenance import maintenance_windows
from reconciler.model.maintenance import MaintenanceWindow
from reconciler.model.telemetry import Series
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.world import World

DAY_MS = 86_400_000
MOST = 500  # told to one look at telemetry, the newest


def lately(world: World, start_ms: int, now_ms: int) -> tuple[MaintenanceWindow, ...]:
    """The windows that were open in a stretch of time, its end included; none before it is known what is applied."""
    return () if world.cursor.applied is None else windows(world.applied_rulebook(), start_ms, now_ms)


def windows(rules: Rulebook, start_ms: int, now_ms: int) -> tuple[MaintenanceWindow, ...]:
    return maintenance_windows(rules.policy.maintenance, start_ms, now_ms + 1)[-MOST:]


class Rest:
    """Who is worked on, or was within a day."""

    def __init__(self, world: World) -> None:
        self._now = world.clock.now()
        self._windows = lately(world, self._now - DAY_MS, self._now)
        self._known: dict[str, int] = {}

    @property
    def open(self) -> tuple[MaintenanceWindow, ...]:
        return tuple(one for one in self._windows if one.end_ms > self._now)

    def during(self, components: Iterable[str], at_ms: int, ended_ms: int = 0) -> frozenset[str]:
        """Those of them that were worked on at a moment, or less than `ended_ms` before it."""
        over = [one for one in self._windows if one.start_ms <= at_ms < one.end_ms + ended_ms]
        return frozenset(name for name in components if any(one.covers(name) for one in over)) if over else frozenset()

    def outside(self, series: Series) -> tuple[float, ...]:
        """What was measured while nobody worked on the component."""
        over = [one for one in self._windows if one.covers(series.component)]
        pairs = zip(series.times, series.values, strict=True)
        return tuple(v for t, v in pairs if not any(one.start_ms <= t < one.end_ms for one in over)) if over else series.values

    def until(self, component: str) -> int:
        """When the newest maintenance of a component ends or ended; 0 when there was none."""
        if component not in self._known:  # every sensor asks
            self._known[component] = max((one.end_ms for one in self._windows if one.covers(component)), default=0)
        return self._known[component]

    def now(self, component: str) -> bool:
        return self.until(component) > self._now
