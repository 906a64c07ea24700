"""Limits: how far a value may be moved, whoever approves. Nothing overrides a limit; a document can only add tighter ones.

A limit denies moving a value further outside, never bringing it back or restoring what people had merged.
The built-in limits hold without any document: replicas 1 to 20, CPU at least 10 % and memory at most 90 % of `capacity`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.matching import Glob, Share

Number = Annotated[Decimal, Field(max_digits=18, allow_inf_nan=False)]


class Limit(Spec):
    """One limit on one field."""

    name: str = Field(pattern=NAME, description="Unique within the document; shown in explanations.")
    field: str = Field(
        pattern=r"^[A-Za-z0-9*_.-]{1,200}$",
        description="The dotted field from the document's root, such as `spec.replicas`; `*` stands for any characters.",
    )
    paths: tuple[Glob, ...] = Field(default=(), max_length=100, description="File patterns it holds for. Default: every file.")
    min: Number | None = Field(default=None, description="The least value. Default: no floor.")
    max: Number | None = Field(default=None, description="The greatest value. Default: no ceiling.")
    min_ratio: Number | None = Field(
        default=None, gt=0, le=1, description="Least share of the value before that one edit may leave. Default: no such limit."
    )
    max_ratio: Number | None = Field(
        default=None, ge=1, description="Greatest multiple of the value before that one edit may reach. Default: no such limit."
    )
    min_share: Share | None = Field(default=None, description="Least share of `capacity` for this field. Default: no such limit.")
    max_share: Share | None = Field(
        default=None, description="Greatest share of `capacity` for this field. Default: no such limit."
    )
    fixed: bool = Field(default=False, description="The machine never moves this field at all. Default false.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        bounds = (self.min, self.max, self.min_ratio, self.max_ratio, self.min_share, self.max_share)
        if not self.fixed and all(bound is None for bound in bounds):
            raise ValueError("a limit needs at least one of min, max, minRatio, maxRatio, minShare, maxShare or fixed")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min: is greater than max, so that no value fits")
        return self


class LimitsSpec(Spec):
    """Limits, and the size of the machine that shares are of."""

    capacity: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")], Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict,
        description="What one replica can have at most on the target's machines, by last part of the field: `cpuMillis`, "
        "`memoryMiB`. Several documents: the smallest counts. Default: cpuMillis 1000, memoryMiB 4096.",
    )
    limits: tuple[Limit, ...] = Field(
        default=(), max_length=200, description="The limits. Default none beyond the built-in ones."
    )


class Limits(Document):
    """How far values may be moved, whoever approves."""

    kind: Literal["Limits"] = Field(description="Always `Limits`.")
    spec: LimitsSpec = Field(description="The limits.")
