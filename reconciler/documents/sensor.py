"""Sensor: what a metric means, what of it is trouble and for how long, and what missing data means.

A threshold rule looks at the value itself, a rate rule at how fast it moves. Both are held per component: one sensor
over twelve services is twelve watches. Without a rule it only says what the metric means: unit, which way is bad, period.
`reconciler.signals.sensors` evaluates them; nothing here decides.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec

Component = Annotated[str, Field(pattern=NAME)]
Reading = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]


class Rule(StrEnum):
    """What of the series is compared."""

    THRESHOLD = "threshold"
    RATE = "rate"
    NONE = "none"  # no number is right everywhere: what is odd for this series is for the analysis to say


class Missing(StrEnum):
    """What a gap means."""

    UNKNOWN = "unknown"  # neither good nor bad: what was known stays
    FIRE = "fire"  # silence is trouble
    OK = "ok"  # silence is rest


class Family(StrEnum):
    """What kind of thing is measured."""

    COMPUTE = "compute"
    NETWORK = "network"
    APPLICATION = "application"
    MACHINE_LEARNING = "machine-learning"
    STORAGE = "storage"  # and databases


class Direction(StrEnum):
    """Which way is bad."""

    HIGHER = "higher"
    LOWER = "lower"
    BOTH = "both"


class SensorSpec(Spec):
    """What one metric means, and the rule over it for some components."""

    metric: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="The metric by its sensor name, such as `latency_p99` or `error_rate`.",
    )
    unit: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9/%_ ]{0,20}$",
        description="The metric's unit, shown to people: `ms`, `share`, `req/s`. Default: none.",
    )
    family: Family | None = Field(
        default=None, strict=False, description="What kind of thing is measured, for lists. Default: none is said."
    )
    direction: Direction | None = Field(
        default=None,
        strict=False,
        description="Which way is bad. Default: `higher` for a rule with above, `lower` for one with below, else `both`.",
    )
    period_ms: int = Field(
        default=5_000,
        ge=100,
        le=86_400_000,
        description="Milliseconds between two samples when all is well. Default 5000: as sources are scraped.",
    )
    components: tuple[Component, ...] = Field(
        default=(), max_length=500, description="The components that are watched. Default: every one that has the metric."
    )
    rule: Rule = Field(
        default=Rule.THRESHOLD,
        strict=False,
        description="`threshold` compares the value; `rate` compares its movement per minute over `windowMs`; `none` raises no "
        "signal and only says what the metric means. Default threshold.",
    )
    above: Reading | None = Field(
        default=None, description="Trouble when greater than this. Exactly one of above and below, none without a rule."
    )
    below: Reading | None = Field(
        default=None, description="Trouble when less than this. Exactly one of above and below, none without a rule."
    )
    for_ms: int = Field(
        default=30_000,
        ge=0,
        le=86_400_000,
        description="Milliseconds that every sample has to be in trouble. Default 30000: six scrapes in a row; 0 believes one.",
    )
    window_ms: int = Field(
        default=60_000,
        ge=1_000,
        le=86_400_000,
        description="Milliseconds over which a rate is measured. Default 60000: less is noise at one scrape in five seconds.",
    )
    counter: bool = Field(
        default=False,
        description="For `rate`: the series only grows and starts again at zero after a restart; drops are no movement. "
        "Default false: a gauge.",
    )
    stale_ms: int = Field(
        default=20_000,
        ge=100,
        le=86_400_000,
        description="Milliseconds without a sample that count as missing data. Default 20000: four scrapes missed.",
    )
    missing: Missing = Field(
        default=Missing.UNKNOWN,
        strict=False,
        description="What missing data means: `unknown` keeps what was known, `fire` is trouble, `ok` is rest. "
        "Default unknown: no data is neither good nor bad.",
    )
    severity: Literal["info", "warning", "critical"] = Field(
        default="warning", description="How bad it is. Default warning: people are woken up only on purpose."
    )

    @property
    def bad(self) -> Direction:
        """Which way is bad, said or implied by the rule."""
        implied = Direction.HIGHER if self.above is not None else Direction.LOWER if self.below is not None else Direction.BOTH
        return self.direction or implied

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        bounds = (self.above is not None) + (self.below is not None)
        if self.rule is Rule.NONE and bounds:
            raise ValueError("rule: `none` compares nothing; remove above and below, or the rule")
        if self.rule is not Rule.NONE and bounds != 1:
            raise ValueError("a sensor needs exactly one of above and below")
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        contrary = Direction.LOWER if self.above is not None else Direction.HIGHER if self.below is not None else None
        if self.direction is not None and self.direction is contrary:
            raise ValueError(f"direction: {contrary.value} is bad, and the rule fires on the other side")
        if "period_ms" in self.model_fields_set and self.stale_ms < 2 * self.period_ms:
            raise ValueError("staleMs: less than two periods, so that every second look would find the data missing")
        return self


class Sensor(Document):
    """What a metric of the built-in telemetry means, and what of it is trouble."""

    kind: Literal["Sensor"] = Field(description="Always `Sensor`.")
    spec: SensorSpec = Field(description="The metric and the rule.")
