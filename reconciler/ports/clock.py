"""Clock: the one source of time for lab, policy durations, soak and brakes."""

from __future__ import annotations

from typing import Protocol

from reconciler.model.records import Stamp


class Clock(Protocol):
    """`now()` is ms under the Clock and never goes back within a process; `wall()` is ms of the wall clock.

    A wall clock that jumps back is held at its last value until it catches up; nothing is ever due twice.
    """

    def now(self) -> int: ...

    def wall(self) -> int: ...

    def stamp(self) -> Stamp: ...
