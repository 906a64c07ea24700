"""Ballots, requirements, decisions and the verdict that composes two decisions.

`Subject` is what is judged: ballots and reviews are bound to `edit` (patch and result trees), the verdict to all of it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """Exactly what is judged. `trees` are (unit, tree id after the edit), sorted."""

    repository: str
    branch: str
    base: str
    head: str
    patch: str
    trees: tuple[tuple[str, str], ...]
    policy: str  # digest of the policy set of the base branch

    @property
    def edit(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What ballots and reviews are bound to: they outlive a rebuild that leaves this unchanged."""
        return (self.patch, self.trees)


class Choice(enum.StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    VETO = "veto"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Ballot:
    """One principal's vote on one edit."""

    voter: str
    principal: str
    group: str
    patch: str
    trees: tuple[tuple[str, str], ...]
    choice: Choice
    reasons: tuple[str, ...]
    cast_ms: int
    expires_ms: int


class Status(enum.StrEnum):
    SATISFIED = "satisfied"
    UNSATISFIED = "unsatisfied"
    OVERRIDDEN = "overridden"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the table that people read in CLI, pull request, page and record."""

    name: str
    status: Status
    reason: str  # Reason value
    expression: str  # the rule as written
    values: tuple[tuple[str, str], ...]  # every value it looked at
    missing: str = ""  # what is missing, in words
    command: str = ""  # what would supply it
    document: str = ""  # file:line of the rule
    person: bool = False  # a person's review can satisfy it
    hard: bool = False  # nothing overrides it

    @property
    def passes(self) -> bool:
        return self.status in (Status.SATISFIED, Status.OVERRIDDEN, Status.NOT_APPLICABLE)


class Judge(enum.StrEnum):
    POLICY = "policy"
    CONSENSUS = "consensus"


class Effect(enum.StrEnum):
    MERGE = "merge"  # may land by itself
    REVIEW = "review"  # pull request, a person has to approve or merge
    SHADOW = "shadow"  # only say what would be done
    DENY = "deny"  # no pull request may land, whoever approves
    WAIT = "wait"  # not now: a window, a budget, a rate; look again at `again_ms`


@dataclass(frozen=True, slots=True)
class Decision:
    """One judge's answer about one subject."""

    judge: Judge
    effect: Effect
    reason: str  # Reason value: the first that decided
    requirements: tuple[Requirement, ...]
    rule: str  # the document that decided, "file:line"
    again_ms: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two decisions composed; deny wins, then shadow, wait, review, merge."""

    subject: Subject
    effect: Effect
    reason: str
    decisions: tuple[Decision, ...]
    made_ms: int
    approvers: tuple[str, ...] = ()

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        return tuple(r for d in self.decisions for r in d.requirements)
