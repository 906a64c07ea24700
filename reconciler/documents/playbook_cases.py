"""PlaybookCases: tests of one playbook. `given` a diagnosis and files, `expect` the exact lines of the diff or the refusal.

A file `X.cases.yaml` stands beside `X.yaml` and is run by `homeostat playbook test`. What `given` leaves out is the plain
case: a certain cause without a suspect, nothing cooling down, nothing remembered, no judge that refuses.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.playbook_parts import METRIC, Decimal
from reconciler.model.diagnosis import CauseKind
from reconciler.model.reasons import Reason
from reconciler.model.signals import Severity
from reconciler.model.troubles import TroubleKind

Files = dict[Annotated[str, Field(max_length=300)], str]
Metrics = dict[Annotated[str, Field(pattern=METRIC)], float]


class ContestedField(Spec):
    """A field that Git names and somebody else writes."""

    path: str = Field(max_length=500, description="The field, as plans show it: `/spec/replicas`.")
    manager: str = Field(max_length=128, description="The field manager that writes it.")


class GivenTrouble(Spec):
    """The diagnosis and the tree."""

    cause: CauseKind = Field(description="The kind of the cause.")
    component: str = Field(default="checkout", pattern=NAME, description="The component of the cause. Default checkout.")
    trouble: TroubleKind | None = Field(default=None, description="What the target says is wrong. Default nothing.")
    object: Annotated[str, Field(max_length=600)] = Field(
        default="", description="The object it says it of, e.g. `Deployment.apps/shop/checkout`. Default none."
    )
    container: Annotated[str, Field(max_length=63)] = Field(default="", description="The container it names. Default none.")
    contested: tuple[ContestedField, ...] = Field(
        default=(), max_length=50, description="Its fields that somebody else writes, for the trouble `contested`. Default none."
    )
    unit: str = Field(default="shop", pattern=NAME, description="The unit of that object. Default shop.")
    confidence: Decimal = Field(default="0.9", description='How sure the diagnosis is; default "0.9".')
    severity: Severity = Field(default=Severity.CRITICAL, description="Of the incident; default critical.")
    before: Metrics = Field(default_factory=dict, description="The component's metrics in the reference window.")
    now: Metrics = Field(default_factory=dict, description="The component's metrics in the window of trouble.")
    history: tuple[Files, ...] = Field(default=(), max_length=20, description="Earlier states of the files, oldest first.")
    files: Files = Field(description="The files at the tip: path to text. Folders are the units.")
    suspect: bool = Field(default=False, description="Whether the newest commit is suspected. Default false.")
    machine: bool = Field(default=False, description="Whether the newest commit is the machine's own. Default false.")
    calls: tuple[tuple[str, str], ...] = Field(default=(), max_length=200, description="The call graph: caller, callee.")
    prediction: bool = Field(
        default=False, description="Whether nothing is broken yet, and this is only foreseen. Default false."
    )
    cooling_down: bool = Field(
        default=False, description="Whether this playbook was merged for the component lately. Default false."
    )
    reverted: bool = Field(
        default=False, description="Whether the first candidate was merged and reverted before. Default false."
    )
    judges_refuse: int = Field(default=0, ge=0, le=5, description="How many candidates a judge has refused already; default 0.")


class ExpectedAnswer(Spec):
    """Exactly one of a diff, a refusal, a page or silence."""

    diff: tuple[str, ...] = Field(default=(), max_length=50, description="The lines of the diff, with their - and +, in order.")
    refused: Reason | None = Field(
        default=None, description="The reason of the first refusal, when there is no candidate that edits."
    )
    says: str = Field(default="", max_length=200, description="A part of the refusal's text.")
    pages: bool = Field(default=False, description="Whether the playbook itself chooses to page a person.")
    silent: bool = Field(default=False, description="Whether the trigger does not fire, without an error.")

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if sum((bool(self.diff), self.refused is not None, self.pages, self.silent)) != 1:
            raise ValueError("exactly one of diff, refused, pages and silent is the answer")
        return self


class PlaybookCase(Spec):
    """One case."""

    name: str = Field(min_length=1, max_length=200, description="What this case shows, as a sentence.")
    given: GivenTrouble = Field(description="The diagnosis and the tree.")
    expect: ExpectedAnswer = Field(description="The exact answer.")


class PlaybookCasesSpec(Spec):
    """The cases of one playbook."""

    playbook: str = Field(pattern=NAME, description="The playbook that is tested.")
    cases: tuple[PlaybookCase, ...] = Field(min_length=1, max_length=100, description="The cases.")


class PlaybookCases(Document):
    """The tests of one playbook."""

    kind: Literal["PlaybookCases"] = Field(description="Always `PlaybookCases`.")
    spec: PlaybookCasesSpec = Field(description="The playbook and its cases.")
