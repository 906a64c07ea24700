"""Objective: what was promised of a component, as a share of requests or of time, over a window; the rest is its error budget.

An indicator says what is bad: a ratio of counters (failed requests of all), or the time a metric spends beyond a bound. Over
the window at most `1 - target` may be bad. How fast that budget is spent raises signals; what is left of it is shown, and
policy can ask. `reconciler.signals.objectives` keeps the account; nothing here decides.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.sensor import Reading

DAY_MS = 86_400_000
Metric = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}(\{[a-z][a-z0-9_]*=[A-Za-z0-9_.:,=-]{1,140}\})?$")]


class Ratio(Spec):
    """Bad events of all events, both counted by series that only grow."""

    bad: tuple[Metric, ...] = Field(
        min_length=1, max_length=10, description="Counters of bad events, such as `requests_total{outcome=failed}`; summed."
    )
    total: tuple[Metric, ...] = Field(
        min_length=1, max_length=10, description="Counters of all events, the bad ones among them; summed."
    )


class Bound(Spec):
    """The time in which a metric is beyond a bound."""

    metric: Metric = Field(description="The metric by its sensor name, such as `latency_p99`.")
    above: Reading | None = Field(default=None, description="Bad when greater than this. Exactly one of above and below.")
    below: Reading | None = Field(default=None, description="Bad when less than this. Exactly one of above and below.")

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a threshold needs exactly one of above and below")
        return self


class Indicator(Spec):
    """What is bad. Exactly one of its fields."""

    ratio: Ratio | None = Field(default=None, description="Bad events of all events: the share of requests that were bad.")
    threshold: Bound | None = Field(default=None, description="A metric and a bound: the share of time that was bad.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.ratio is None) == (self.threshold is None):
            raise ValueError("an indicator needs exactly one of ratio and threshold")
        return self


class ObjectiveSpec(Spec):
    """What was promised, of whom, and over which time."""

    components: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        min_length=1, max_length=100, description="The components that it is promised of, each with a budget of its own."
    )
    indicator: Indicator = Field(description="What is bad. What was not measured is neither good nor bad.")
    target: Decimal = Field(
        ge=Decimal("0.5"),
        le=Decimal("0.99999"),
        max_digits=8,
        description="The share that has to be good, such as 0.999. The budget is the rest: 0.001 of the window.",
    )
    window_ms: int = Field(
        default=30 * DAY_MS,
        ge=DAY_MS,
        le=92 * DAY_MS,
        description="Milliseconds over which it is promised, rolling. Default 2592000000: thirty days.",
    )


class Objective(Document):
    """What was promised of some components, and how much may go wrong."""

    kind: Literal["Objective"] = Field(description="Always `Objective`.")
    spec: ObjectiveSpec = Field(description="Indicator, target and window.")
