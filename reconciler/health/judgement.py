"""What is said of one object: a state, why, and who decided (a rule and its line, or which inference)."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.revisions import HealthState


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer about one object."""

    state: HealthState
    message: str
    decided_by: str
