"""The parts of a Playbook: parameters, steps and expectation.

Places in documents are lists of segments, never text with holes: what telemetry or a label says cannot become a path.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, Strict, model_validator

from reconciler.documents.base import NAME, Spec

T = TypeVar("T")
Many = Annotated[tuple[T, ...], Strict(strict=False)]

DECIMAL = r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?$"
Decimal = Annotated[str, Field(pattern=DECIMAL)]
QUANTITY = r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,2})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
Bound = Annotated[int, Field(ge=0, le=1_000_000)] | Annotated[str, Field(pattern=QUANTITY)]
METRIC = r"^[a-z][a-z0-9_]{0,63}$"
WORKLOAD = "Workload"  # in place of a kind: the object that the target names
KEY = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"


class Parameter(Spec):
    """One number that people tune, within bounds that nothing leaves."""

    type: Literal["integer", "ratio"] = Field(description='`integer`, or `ratio`: a decimal in quotes such as "1.5".')
    default: int | Decimal = Field(description="Used unless a smaller variant says otherwise.")
    min: int | Decimal = Field(description="No value may be below this.")
    max: int | Decimal = Field(description="No value may be above this.")
    description: str = Field(default="", max_length=300, description="For people: what it means, with its unit.")

    def check(self, value: int | Decimal, where: str) -> None:
        """ValueError when the value has another type or leaves the bounds."""
        if isinstance(value, str) != (self.type == "ratio"):
            raise ValueError(f"{where}: {value!r} is no {self.type}")
        if not Fraction(self.min) <= Fraction(value) <= Fraction(self.max):
            raise ValueError(f"{where}: {value} is not within {self.min} to {self.max}")

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        for name in ("min", "max", "default"):
            self.check(getattr(self, name), name)
        return self


class Match(Spec):
    """Chooses entries of a list by what one of their keys says."""

    key: str = Field(pattern=KEY, description="The key to look at in every entry of the list.")
    equals: Literal["component", "container", "any"] = Field(
        description="`component`: the entries whose key is the component of the cause; `container`: those whose key is the "
        "container that the target says is in trouble; `any`: every entry that has the key."
    )


Segment = Annotated[str, Field(pattern=KEY)] | Match


class _Place(Spec):
    object: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,62}$")] = Field(
        description="The kind of the object to edit, e.g. `Service`; `Workload` is the object that the target says is in "
        "trouble, of whatever kind. Where it names one, objects of its unit and namespace are meant and no others."
    )
    on: Literal["component", "callers"] = Field(
        default="component",
        description="Whose object: that of the component of the cause, or those of all that call it. Default component.",
    )
    field: Many[Segment] = Field(
        min_length=1,
        max_length=12,
        description="The place in the object, as a list: `[spec, replicas]`, "
        "`[spec, calls, {key: service, equals: component}, retries]`.",
    )

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if self.object == WORKLOAD and self.on == "callers":
            raise ValueError("on: a Workload is the object in trouble itself; name a kind to edit those that call it")
        return self


class _Timed(Spec):
    timeout_seconds: int = Field(
        default=120,
        ge=1,
        le=3_600,
        description="How long this edit may take to be applied and healthy before it counts as failed; default 120.",
    )


class SetStep(_Place, _Timed):
    """Writes one scalar."""

    edit: Literal["set"] = Field(description="Always `set`.")
    value: bool | int | Annotated[str, Field(max_length=200)] | None = Field(default=None, description="The value to write.")
    parameter: str = Field(default="", description="The parameter (integer) to write instead of `value`.")
    generate: Literal["", "token"] = Field(
        default="",
        description="`token`: a fresh word made of the incident and the revision, for fields that restart when they differ.",
    )
    insert: bool = Field(
        default=False, description="Whether a missing last key may be added as a line of its own. Default false."
    )
    only: Literal["always", "lower", "raise"] = Field(
        default="always",
        description="`lower`/`raise`: only where the number there is above/below the new one, or may be added. Default always.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum((self.value is not None, bool(self.parameter), bool(self.generate))) != 1:
            raise ValueError("exactly one of value, parameter and generate says what to write")
        return self


class ScaleStep(_Place, _Timed):
    """Multiplies one integer or quantity, rounded away from where it was. A quantity keeps its unit."""

    edit: Literal["scale"] = Field(description="Always `scale`.")
    by: str = Field(pattern=NAME, description="The parameter (ratio) to multiply with.")
    min: Bound = Field(description='The result is never below this: an integer, or for quantities a quantity, e.g. "64Mi".')
    max: Bound = Field(description="The result is never above this; written as `min` is.")

    @model_validator(mode="after")
    def _one_sort_of_bounds(self) -> Self:
        if isinstance(self.min, str) != isinstance(self.max, str):
            raise ValueError("min and max are both integers, or both quantities")
        return self


class RestoreStep(_Place, _Timed):
    """Gives one scalar the value it had before the suspected commit, or before the last person's edit of it."""

    edit: Literal["restore"] = Field(description="Always `restore`.")


class RevertStep(_Timed):
    """Undoes the suspected commit as a whole, where it touched desired state only."""

    edit: Literal["revert"] = Field(description="Always `revert`.")


class YieldStep(_Timed):
    """Gives the contested fields of the object in trouble to who writes them: rules in its unit's `apply.fields`, in
    homeostat.yaml. Only people merge that.
    """

    edit: Literal["yield"] = Field(description="Always `yield`.")


class OperationStep(_Timed):
    """Adds one Operation file: a one-shot act of the target."""

    edit: Literal["operation"] = Field(description="Always `operation`.")
    action: str = Field(pattern=NAME, description="The act, as the target names it, e.g. `flush-cache`.")
    expires_seconds: int = Field(default=600, ge=10, le=86_400, description="After this it is not started any more; default 600.")


class Nothing(_Timed):
    """Touches nothing and pages a person."""

    edit: Literal["nothing"] = Field(description="Always `nothing`.")


Step = SetStep | ScaleStep | RestoreStep | RevertStep | YieldStep | OperationStep | Nothing


class ExpectedCheck(Spec):
    """One condition of success: a floor, a ceiling, or an improvement by a share."""

    metric: str = Field(pattern=METRIC, description="The metric, by its sensor name, e.g. `latency_p99`.")
    on: Literal["component", "symptoms"] = Field(
        default="component",
        description="The component of the cause, or every component that the incident is about. Default component.",
    )
    below: Decimal | None = Field(default=None, description="At most this, in the metric's unit.")
    above: Decimal | None = Field(default=None, description="At least this, in the metric's unit.")
    improve: Decimal | None = Field(default=None, description='Lower than before the repair by this share, e.g. "0.2" for 20 %.')
    recover: Decimal | None = Field(
        default=None,
        description="At most this many times its median from before the trouble. Needs `below`: what is good enough anyway.",
    )

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if sum(bound is not None for bound in (self.below, self.above, self.improve)) != 1:
            raise ValueError("exactly one of below, above and improve is the bound")
        if self.recover is not None and self.below is None:
            raise ValueError("recover needs below: a metric that was zero has no multiple")
        return self


class Expect(Spec):
    """The evidence of success, and when it is looked at."""

    checks: Many[ExpectedCheck] = Field(
        default=(), max_length=10, description="All must hold. Needed unless nothing is edited or `healthy` is true."
    )
    healthy: bool = Field(
        default=False,
        description="Whether the target must stop saying what was wrong, and every object of the edited units be healthy. With "
        "it no metric is needed. Default false.",
    )
    controls: int = Field(default=3, ge=0, le=10, description="How many untouched neighbours are compared with; default 3.")
    guard_after_seconds: int = Field(
        default=60, ge=10, le=3_600, description="When the coarse look happens after apply; default 60."
    )
    outcome_after_seconds: int = Field(default=300, ge=30, le=86_400, description="When the outcome is judged; default 300.")
    worse_by: Decimal = Field(
        default="0.2", description='A guard reading worse by more than this share reverts at once; default "0.2".'
    )
