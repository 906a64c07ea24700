"""Capacity: what several components may ask for together: of a database that they share, of a node, of the whole installation.

A sensor watches one component at a time; each may be well while their sum runs out. The sum is forecast, and where it is foreseen
to pass its limit that is told of the component that bears it (`reconciler.analysis.detectors.wholes`). Only what adds up is
added: the unit that a Sensor gives the metric says whether it does. A capacity changes what is foreseen and nothing else.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.objective import Metric
from reconciler.documents.sensor import Reading


class CapacitySpec(Spec):
    """Whose demand is added up, and what there is for it."""

    component: str = Field(
        pattern=NAME, description="Who bears it, such as the database that all of them ask: what is foreseen is told of it."
    )
    metric: Metric = Field(
        description="What each part asks for, by its sensor name, such as `request_rate`. The unit of the Sensor that defines it "
        "has to be one that adds up, such as `req/s`, `cores` or `MiB`; shares and latencies do not."
    )
    parts: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(),
        max_length=40,
        description="The components that ask, two at least. Default: all that call the component, as the call graph shows them.",
    )
    above: Reading = Field(description="Too much, all parts together, in the metric's unit.")

    @model_validator(mode="after")
    def _are_several(self) -> Self:
        if self.parts and not 2 <= len(set(self.parts)) == len(self.parts):
            raise ValueError("parts: name at least two components, each once; for one, a Sensor with the limit will do")
        return self


class Capacity(Document):
    """What several components may ask for together, for forecasts."""

    kind: Literal["Capacity"] = Field(description="Always `Capacity`.")
    spec: CapacitySpec = Field(description="Whose demand, and what there is for it.")
