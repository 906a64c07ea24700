"""MergePolicy: what a repair needs before it may merge, beyond the built-in gates. It can only ask for more.

All policies that match apply together. A condition is CEL over the variables in CONDITION_VARIABLES, compiled when the
policy set is loaded; it passes only when it is proven true (see `expressions`).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.matching import Match, Share
from reconciler.expressions import CelType

CONDITION_VARIABLES: Final = {
    "playbook": CelType.STRING,
    "cause": CelType.STRING,
    "component": CelType.STRING,
    "confidence": CelType.DOUBLE,  # of the cause, 0 to 1
    "services": CelType.INT,  # touched by the edit
    "dependents": CelType.INT,  # that call them
    "objects": CelType.INT,
    "impact": CelType.STRING,  # low, medium, high
    "irreversibility": CelType.STRING,  # reversible, costly, irreversible
    "units": CelType.STRINGS,
    "paths": CelType.STRINGS,
    "tags": CelType.STRINGS,  # why it counts as high impact
    "critical": CelType.BOOL,  # a touched unit has criticality high
    "predictionOnly": CelType.BOOL,  # nothing is broken yet
    "inMaintenance": CelType.BOOL,  # people work on a component that it touches, as a Maintenance says
    "level": CelType.STRING,  # the guardrail level in force
    "mergesLastHour": CelType.INT,  # by the machine, anywhere
    "seenBefore": CelType.INT,  # earlier incidents with the same cause on the same component
    "seenThisWeek": CelType.INT,  # those of the last seven days
    "workedBefore": CelType.INT,  # how often this playbook made it better in them, and stayed
    # Of the objectives about what the repair touches and about its callers: `count`, `budgetLeft` (the least, 1 is all) and
    # `burnRate` (the highest, 1 is as promised); a number that is not known is absent, and a condition that needs it denies.
    "objective": CelType.NUMBERS,
}


class Condition(Spec):
    """One named condition, shown as a line of its own in every explanation."""

    name: str = Field(pattern=NAME, description="Unique within the policy; shown in explanations.")
    expression: str = Field(
        min_length=1,
        max_length=2_000,
        description="CEL that must be true. An error, as much as false, means that it does not pass.",
    )
    message: str = Field(default="", max_length=200, description="What is missing when it does not pass, in words for people.")
    person: bool = Field(
        default=True,
        description="Whether a person's approval can stand in for it. Default true; false makes it binding for everyone.",
    )


class Requirements(Spec):
    """What is asked for. Every field that is set becomes a requirement."""

    min_confidence: Share | None = Field(
        default=None, description="Least confidence in the cause, 0 to 1. Default: the guardrail level's."
    )
    conditions: tuple[Condition, ...] = Field(default=(), max_length=20, description="Named CEL conditions. Default none.")
    reviewers: int = Field(
        default=0,
        ge=0,
        le=10,
        description="How many people have to approve, whatever else passes. Default 0: only where a gate asks.",
    )
    groups: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(), max_length=10, description="Groups of Trust that each have to be among the approvers. Default none."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [condition.name for condition in self.conditions]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ValueError(f"conditions[{index}].name: {name!r} is already taken; names are unique within a policy")
        return self


class MergePolicySpec(Spec):
    """Which repairs, and what they need."""

    match: Match = Field(default_factory=Match, description="Which repairs this is about. Default: every repair.")
    require: Requirements = Field(description="What they need before they may merge.")


class MergePolicy(Document):
    """What a repair needs before it may merge."""

    kind: Literal["MergePolicy"] = Field(description="Always `MergePolicy`.")
    spec: MergePolicySpec = Field(description="Which repairs, and what they need.")
