"""ManualClock: a clock in memory that moves when told. `now` and `wall` move apart on purpose where a test asks."""

from __future__ import annotations

from reconciler.model.records import Stamp

START_MS = 1_700_000_000_000  # a fixed moment in 2023, so that records of tests are the same every day


class ManualClock:
    """`ports.clock.Clock` for tests: deterministic, and as monotone as the real ones."""

    def __init__(self, now_ms: int = START_MS, wall_ms: int | None = None) -> None:
        self._now = now_ms
        self._wall = now_ms if wall_ms is None else wall_ms

    def now(self) -> int:
        return self._now

    def wall(self) -> int:
        return self._wall

    def stamp(self) -> Stamp:
        return Stamp(clock_ms=self._now, wall_ms=self._wall)

    def advance(self, ms: int) -> int:
        """Both times move on."""
        self._now += max(ms, 0)
        self._wall += max(ms, 0)
        return self._now

    def jump_wall(self, ms: int) -> None:
        """The wall clock is set by somebody; back is held, as the port promises."""
        self._wall += max(ms, 0)
