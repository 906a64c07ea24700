"""Playbook: how a diagnosis becomes one small edit of desired state. Data only: no code, no templates, no commands.

In: one document from `playbooks/`. Out: a frozen model that `proposals` turns into candidates.

Invariants, checked when the document is loaded
* parameters have a type and bounds, and every value given to one (default or a smaller variant) lies within them;
* steps name parameters that exist, with the type that the step needs;
* what cannot be taken back by the inverse edit says so (`irreversibility`), and an Operation is never `reversible`;
* a playbook that edits anything names beforehand how success will be seen (`expect.checks` or `expect.healthy`).

The trigger is compiled by `proposals` against `TRIGGER_VARIABLES`, so that a typo is an error when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.playbook_parts import DECIMAL, Decimal, Expect, Many, Nothing, Parameter, ScaleStep, SetStep, Step
from reconciler.expressions import CelType
from reconciler.model.proposals import Impact, Irreversibility

TRIGGER_VARIABLES: Mapping[str, CelType] = {
    "cause": CelType.STRING,  # CauseKind of the cause in question
    "confidence": CelType.DOUBLE,  # 0..1
    "component": CelType.STRING,
    "trouble": CelType.STRING,  # what the target itself says is wrong, as a TroubleKind; "" when it says nothing
    "container": CelType.STRING,  # the container of which it says so, "" when it names none
    "severity": CelType.STRING,  # of the incident
    "suspect": CelType.BOOL,  # whether a commit is suspected
    "prediction": CelType.BOOL,  # nothing is broken yet
    "cascading": CelType.BOOL,
    "callers": CelType.INT,  # how many components call it
    "before": CelType.NUMBERS,  # medians of the component's metrics in the reference window
    "now": CelType.NUMBERS,  # medians in the window of trouble
    "latest": CelType.NUMBERS,  # newest values in the window of trouble
}

Value = int | Annotated[str, Field(pattern=DECIMAL)]


class PlaybookSpec(Spec):
    """When, what, how far, and how success is seen."""

    priority: int = Field(
        default=100, ge=1, le=1_000, description="Lower is tried first among playbooks that match the same cause; default 100."
    )
    when: str = Field(
        min_length=1,
        max_length=2_000,
        description="CEL condition that must be true: over `cause`, `confidence`, `component`, `trouble`, `container`, "
        "`severity`, `suspect`, `prediction`, `cascading`, `callers` and the metrics `before`, `now`, `latest` of the component. "
        "An error is false.",
    )
    parameters: dict[Annotated[str, Field(pattern=NAME)], Parameter] = Field(
        default_factory=dict, max_length=20, description="Typed and bounded numbers that steps refer to by name. Default none."
    )
    smaller: Many[dict[str, Value]] = Field(
        default=(),
        max_length=5,
        description="Variants with other parameter values, tried in this order when the one before is refused. Default none.",
    )
    steps: Many[Annotated[Step, Field(discriminator="edit")]] = Field(
        min_length=1, max_length=10, description="The edits, in order; all of them are one commit."
    )
    expect: Expect = Field(default_factory=Expect, description="What must be seen afterwards, named before anything is merged.")
    irreversibility: Irreversibility = Field(
        strict=False,
        description="`reversible`: the inverse edit restores everything; `costly`: not without effect; "
        "`irreversible`: a person always decides.",
    )
    impact: Impact = Field(strict=False, description="How much it can disturb when it is wrong: `low`, `medium` or `high`.")
    high_impact: Many[Annotated[str, Field(pattern=NAME)]] = Field(
        default=(),
        max_length=10,
        description="Why it counts as a high-impact repair, e.g. `release-rollback`. Default: it does not.",
    )
    cool_down_seconds: int = Field(
        default=600,
        ge=0,
        le=86_400,
        description="How long after a merge the same playbook leaves the same component alone. Default 600: effects need time.",
    )

    @property
    def pages_only(self) -> bool:
        return all(isinstance(step, Nothing) for step in self.steps)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for index, variant in enumerate(self.smaller):
            for name, value in variant.items():
                _known(self.parameters, name, f"smaller[{index}]").check(value, f"smaller[{index}].{name}")
        for index, step in enumerate(self.steps):
            _step_fits(self.parameters, step, f"steps[{index}]")
        self._claims_fit()
        return self

    def _claims_fit(self) -> None:
        if not (self.pages_only or self.expect.checks or self.expect.healthy):
            raise ValueError("expect.checks: a playbook that edits names how success will be seen, here or with healthy")
        operation = any(step.edit == "operation" for step in self.steps)
        if operation and self.irreversibility is Irreversibility.REVERSIBLE:
            raise ValueError(
                "irreversibility: an Operation that has run is not undone by removing its file; say costly or irreversible"
            )


class Playbook(Document):
    """One way to repair one kind of trouble."""

    kind: Literal["Playbook"] = Field(description="Always `Playbook`.")
    spec: PlaybookSpec = Field(description="Trigger, parameters, steps and expectation.")


def _known(parameters: Mapping[str, Parameter], name: str, where: str) -> Parameter:
    if name not in parameters:
        raise ValueError(f"{where}: no parameter is named {name!r}; there are {', '.join(sorted(parameters)) or 'none'}")
    return parameters[name]


def _step_fits(parameters: Mapping[str, Parameter], step: Step, where: str) -> None:
    wanted = (
        {"ratio": step.by} if isinstance(step, ScaleStep) else {"integer": step.parameter} if isinstance(step, SetStep) else {}
    )
    for kind, name in wanted.items():
        if name and _known(parameters, name, where).type != kind:
            raise ValueError(f"{where}: parameter {name!r} must be of type {kind}")


def fraction(value: int | Decimal) -> Fraction:
    """The exact number of a parameter's value."""
    return Fraction(value)
