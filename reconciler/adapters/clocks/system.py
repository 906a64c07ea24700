"""SystemClock: the wall clock, held when it jumps back.

In: the operating system's time. Out: ms that never go back within a process (`ports.clock.Clock`).
Invariant: after a jump back every reading is the last one until the wall catches up, so nothing is due twice.
A jump forward is believed: leases may end early, and the store's compare-and-swap refuses who lost one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from reconciler.model.records import Stamp


def wall_ms() -> int:
    """The operating system's time in ms since 1970."""
    return time.time_ns() // 1_000_000


class SystemClock:
    """Clock and wall are the same here; `read` is replaceable so that jumps can be tested."""

    def __init__(self, read: Callable[[], int] = wall_ms) -> None:
        self._read = read
        self._last = 0
        self._guard = threading.Lock()

    def now(self) -> int:
        return self.wall()

    def wall(self) -> int:
        with self._guard:
            self._last = max(self._last, self._read())
            return self._last

    def stamp(self) -> Stamp:
        moment = self.wall()
        return Stamp(clock_ms=moment, wall_ms=moment)
