"""Budget: how many machine merges fit into a window. Where no Budget matches, the built-in one holds.

Spending is read from the log, so a restart of the healer gives nothing back (S24).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.documents.base import Document, Spec
from reconciler.documents.matching import Match


class BudgetSpec(Spec):
    """At most `merges` in `windowMs`."""

    match: Match = Field(
        default_factory=Match, description="Which repairs it is about (and which merges it counts). Default: all."
    )
    merges: int = Field(ge=0, le=10_000, description="Machine merges that fit into the window; 0 stops them.")
    window_ms: int = Field(
        ge=1_000, le=2_678_400_000, description="The window in milliseconds, counted back from now. An hour is 3600000."
    )
    per: Literal["all", "unit", "playbook"] = Field(
        default="unit",
        description="What shares one budget: `unit` each unit, `playbook` each playbook, `all` one for everything. Default unit.",
    )
    critical_only: bool = Field(
        default=False, description="Counts and binds only merges that touch a unit of criticality high. Default false."
    )
    person: bool = Field(
        default=True, description="Whether a person's approval may go over it. Default true: people are not the storm it stops."
    )


class Budget(Document):
    """How many machine merges fit into a window."""

    kind: Literal["Budget"] = Field(description="Always `Budget`.")
    spec: BudgetSpec = Field(description="How many, in which window, counted per what.")
