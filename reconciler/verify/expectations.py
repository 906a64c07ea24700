"""Helpers around an Expectation: which neighbours are controls, and which windows are compared.

Controls are untouched: neither edited, nor calling what is edited, nor called by it, directly or not, because those move
with the repair. The nearest unaffected components by name order are enough; a handful keeps one strange one harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.proposals import Expectation
from reconciler.model.telemetry import Topology

MAX_CONTROLS = 4
BEFORE_MS = 60_000  # the trouble as it was last, not how it began
GUARD_SETTLE_MS = 20_000  # what is still rolling out says nothing yet
OUTCOME_MS = 120_000


@dataclass(frozen=True, slots=True)
class Windows:
    """[start, end) before the repair was applied, and after it; `due_ms` is when the second is complete."""

    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def due_ms(self) -> int:
        return self.after[1]


def windows(expectation: Expectation, applied_ms: int, stage: str) -> Windows:
    """The windows of a stage, "guard" or "outcome"."""
    before = (applied_ms - BEFORE_MS, applied_ms)
    if stage == "guard":
        settled = min(GUARD_SETTLE_MS, expectation.guard_after_ms // 3)
        return Windows(before, (applied_ms + settled, applied_ms + expectation.guard_after_ms))
    length = min(OUTCOME_MS, expectation.outcome_after_ms // 2)
    end = applied_ms + expectation.outcome_after_ms
    return Windows(before, (end - length, end))


def neighbours(topology: Topology, edited: Iterable[str]) -> tuple[str, ...]:
    """Controls for a repair of `edited`: components it can neither reach nor be reached from, at most a handful."""
    touched = set(edited)
    moving = _closure(touched, topology, down=True) | _closure(touched, topology, down=False)
    return tuple(sorted(set(topology.components) - moving))[:MAX_CONTROLS]


def _closure(start: set[str], topology: Topology, *, down: bool) -> set[str]:
    found, waiting = set(start), sorted(start)
    while waiting:
        here = waiting.pop()
        following = topology.callees(here) if down else topology.callers(here)
        new = [c for c in following if c not in found]
        found.update(new)
        waiting += new
    return found
