"""Outcome: whether the repair helped, with the numbers. Missing data is unknown, never good or bad."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class OutcomeState(enum.StrEnum):
    BETTER = "better"
    WORSE = "worse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one component: before the repair, after it, and what was asked."""

    component: str
    metric: str
    before: str
    after: str
    bound: str
    held: bool
    control: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    commit: str
    stage: str  # "guard" or "outcome"
    state: OutcomeState
    reason: str
    comparisons: tuple[Comparison, ...]
    made_ms: int
    summary: str
