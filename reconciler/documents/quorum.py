"""Quorum: who may vote on the machine's edits, with which weight, and how much agreement a merge by itself needs.

Groups are independent kinds of evidence. A principal belongs to one group; what a group weighs is capped; the weights
stay in the denominator whether or not the group answers. People are no group: their review stands in for missing
votes and is recorded as such.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec

Principal = Annotated[str, Field(pattern=NAME)]


class VotingGroup(Spec):
    """One independent kind of evidence."""

    name: str = Field(pattern=NAME, description="The group that voters name in their ballots.")
    weight: int = Field(ge=1, le=1_000, description="What the group's approval counts, before `groupCap`.")
    members: tuple[Principal, ...] = Field(
        min_length=1, max_length=20, description="The principals who vote in it. Several share the group's weight equally."
    )
    veto: bool = Field(
        default=True,
        description="Whether a member may veto. A group that may veto must also have answered: silence is no way around it.",
    )


class QuorumSpec(Spec):
    """The electorate and the bar."""

    threshold: str = Field(
        default="0.66",
        pattern=r"^(0\.\d{1,4}|1(\.0{1,4})?)$",
        description='Share of the eligible weight that must approve, as decimal text in quotes; default "0.66".',
    )
    minimum_groups: int = Field(
        default=2, ge=1, le=20, description="How many groups must approve; default 2: no kind of evidence decides alone."
    )
    group_cap: int = Field(default=50, ge=1, le=1_000, description="No group counts more than this; default 50.")
    ballot_max_age_seconds: int = Field(
        default=900, ge=10, le=86_400, description="Ballots older than this count nothing; default 900, as evidence ages."
    )
    groups: tuple[VotingGroup, ...] = Field(
        max_length=20, description="The electorate. Empty means that nothing merges by itself."
    )

    @property
    def bar(self) -> Fraction:
        return Fraction(self.threshold)

    def weight(self, group: VotingGroup) -> int:
        """What the group counts at most."""
        return min(group.weight, self.group_cap)

    @model_validator(mode="after")
    def _independent(self) -> QuorumSpec:
        if self.bar <= 0:
            raise ValueError("threshold must be above 0: a bar of nothing is no bar")
        names = [g.name for g in self.groups]
        if repeated := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"group {repeated[0]!r} is listed twice; give each group one entry")
        principals = [p for g in self.groups for p in g.members]
        if shared := sorted({p for p in principals if principals.count(p) > 1}):
            raise ValueError(f"principal {shared[0]!r} is listed twice; one principal belongs to one group, once")
        return self


class Quorum(Document):
    """Who votes on the machine's edits, and how much agreement a merge by itself needs."""

    kind: Literal["Quorum"]
    spec: QuorumSpec


def default_quorum() -> Quorum:
    """What a fresh installation starts with: causal 40, topology 30, outcomes 20, anomaly 10, forecast 5, people none.

    The last two need weeks of data or further packages and abstain until then. So they weigh little: causal evidence and
    topology alone reach the bar (70 of 105), and without causal evidence all the others together (65) do not.
    """
    weights = (
        ("causal", 40, "causal-evidence"), ("topology", 30, "blast-topology"), ("outcomes", 20, "past-outcomes"),
        ("anomaly", 10, "odd-metrics"), ("forecast", 5, "fits-forecast"),
    )  # fmt: skip
    groups = tuple(VotingGroup(name=name, weight=weight, members=(member,)) for name, weight, member in weights)
    return Quorum.model_validate(
        {"api_version": "homeostat/v1", "kind": "Quorum", "metadata": {"name": "default"}, "spec": QuorumSpec(groups=groups)}
    )
