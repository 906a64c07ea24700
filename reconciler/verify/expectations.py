"""Which stretches of time an Expectation compares.

Before: the trouble as it was last. After: at the guard, once the rollout has had a moment; at the outcome, the last
minutes of the soak, so that what came back after a first relief is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.proposals import Expectation

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
