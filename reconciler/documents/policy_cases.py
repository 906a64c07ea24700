"""PolicyCases: tests of policy documents. `given` a repair and its circumstances, `expect` an effect with its reason.

A file `X.cases.yaml` stands beside `X.yaml` and is run by `homeostat policy test`. What `given` leaves out is the quiet case:
a small, reversible, certain repair of one low-impact service with nothing in its way, so each case says only what matters.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from reconciler.documents.autonomy import Mode
from reconciler.documents.base import Document, Spec
from reconciler.documents.matching import Share

Scalar = int | str | bool


class Move(Spec):
    """One value that the edit moves."""

    path: str = Field(default="apps/shop/checkout.yaml", max_length=500, description="The file. Default a service of unit shop.")
    field: str = Field(max_length=200, description="The dotted field, such as `spec.replicas`.")
    before: Scalar | None = Field(default=None, description="The value before. Default: there was none.")
    after: Scalar | None = Field(default=None, description="The value after. Default: it is removed.")
    restores: bool = Field(default=False, description="Whether people had merged the value after before. Default false.")


class EarlierMerge(Spec):
    """One machine merge that already happened."""

    ago_ms: int = Field(ge=0, description="Milliseconds before now.")
    playbook: str = Field(default="scale-out", max_length=63, description="Its playbook.")
    units: tuple[str, ...] = Field(default=("shop",), description="The units it touched.")
    critical: bool = Field(default=False, description="Whether one of them has criticality high.")


class Given(Spec):
    """The repair and its circumstances."""

    playbook: str = Field(default="scale-out", max_length=63, description="The playbook that made it.")
    cause: str = Field(default="load", max_length=63, description="The kind of cause it acts on.")
    confidence: Share = Field(default=Decimal("0.99"), description="In the cause.")
    services: int = Field(default=1, ge=0, le=1_000, description="Services it touches.")
    components: tuple[Annotated[str, Field(max_length=253)], ...] = Field(
        default=(), max_length=1_000, description="Their names. Default: `service-0` and so on, as many as `services`."
    )
    objects: int = Field(default=1, ge=0, le=100_000, description="Objects it touches.")
    impact: Literal["low", "medium", "high"] = Field(default="low", description="Its impact.")
    irreversibility: Literal["reversible", "costly", "irreversible"] = Field(default="reversible", description="Its class.")
    units: tuple[str, ...] = Field(default=("shop",), description="Units it touches.")
    paths: tuple[str, ...] = Field(default=("apps/shop/checkout.yaml",), description="Files it touches.")
    tags: tuple[str, ...] = Field(default=(), description="Why it counts as high impact.")
    moves: tuple[Move, ...] = Field(default=(), description="Values it moves.")
    prediction_only: bool = Field(default=False, description="Whether nothing is broken yet.")
    cascading: bool = Field(default=False, description="Whether an emergent pattern is spreading.")
    forecast: Literal["aligned", "opposed", "none"] = Field(default="none", description="What the forecast says.")
    budget_left: Annotated[Decimal, Field(ge=-100, le=1, max_digits=8)] | None = Field(
        default=None, description="The error budget left of an objective about what it touches. Default: there is no objective."
    )
    critical: bool = Field(default=False, description="Whether a touched unit has criticality high.")
    at: str = Field(
        default="2026-06-03T12:00Z", description="The time (a Wednesday noon by default), for freezes and maintenance."
    )
    merges: tuple[EarlierMerge, ...] = Field(default=(), description="What the machine merged before.")
    seen_before: int = Field(
        default=0, ge=0, le=1_000_000, description="Earlier incidents with the same cause on the same component."
    )
    seen_this_week: int = Field(default=0, ge=0, le=1_000_000, description="Those of the last seven days.")
    worked_before: int = Field(default=0, ge=0, le=1_000_000, description="How often this playbook made it better in them.")
    domains: tuple[str, ...] = Field(default=("shop",), description="Failure domains it touches.")
    open_domains: tuple[str, ...] = Field(default=(), description="Failure domains with a repair that is not verified yet.")
    braked: bool = Field(default=False, description="Whether a brake is on.")
    approved_by: tuple[str, ...] = Field(default=(), description="People who approved it.")
    rejected_by: tuple[str, ...] = Field(default=(), description="People who rejected it.")
    merger: str = Field(default="", description="The person who asks for the merge; empty: the machine itself.")
    reverts: bool = Field(default=False, description="Whether it is the proven inverse of the machine's own commit.")
    autonomy: Mode | None = Field(
        default=None, description="Judge as if Autonomy granted this mode to the playbook by name. Default: as the documents say."
    )


class ExpectedRequirement(Spec):
    """One line of the explanation."""

    name: str = Field(max_length=200, description="The requirement's name.")
    status: Literal["satisfied", "unsatisfied", "overridden", "not-applicable", "error"] = Field(description="Its status.")


class Expect(Spec):
    """What must come out."""

    effect: Literal["merge", "review", "shadow", "deny", "wait"] = Field(description="The decision's effect.")
    reason: str = Field(max_length=63, description="The decision's reason.")
    requirements: tuple[ExpectedRequirement, ...] = Field(default=(), description="Lines that must be there. Default: any.")


class PolicyCase(Spec):
    """One test."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="A sentence that says what is promised.")
    given: Given = Field(default_factory=Given, description="The repair and its circumstances.")
    expect: Expect = Field(description="What must come out.")


class PolicyCasesSpec(Spec):
    """The tests."""

    cases: tuple[PolicyCase, ...] = Field(min_length=1, max_length=500, description="The tests; at least one.")


class PolicyCases(Document):
    """Tests of policy documents."""

    kind: Literal["PolicyCases"] = Field(description="Always `PolicyCases`.")
    spec: PolicyCasesSpec = Field(description="The tests.")
