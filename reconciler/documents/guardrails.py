"""Guardrails: how sure and how small a repair must be to merge by itself, in three levels. Without a document: tight.

The governor may move a level towards tight at run time (by a record), never towards loose. Where several documents match,
the strictest value of each field counts. 0.60 is the floor of all levels and is not here: no document can lower it.
"""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Literal

from pydantic import Field

from reconciler.documents.base import Document, Spec
from reconciler.documents.matching import Glob, Share


class Level(enum.StrEnum):
    """How much the machine may dare, strictest first."""

    TIGHT = "tight"
    MAINTAIN = "maintain"
    LOOSE = "loose"


class LevelBounds(Spec):
    """What one level allows a merge by itself."""

    min_confidence: Share = Field(description="Least confidence in the cause.")
    max_services: int = Field(ge=0, le=1_000, description="Most services that the edit may touch.")
    max_impact: Literal["low", "medium", "high"] = Field(description="Greatest impact that the edit may have.")


TIGHT = LevelBounds(min_confidence=Decimal("0.95"), max_services=1, max_impact="low")
MAINTAIN = LevelBounds(min_confidence=Decimal("0.80"), max_services=2, max_impact="medium")
LOOSE = LevelBounds(min_confidence=Decimal("0.65"), max_services=3, max_impact="medium")


class GuardrailsSpec(Spec):
    """The level in force and what each level means."""

    level: Level = Field(default=Level.TIGHT, description="The level in force. Default tight.")
    units: tuple[Glob, ...] = Field(default=("*",), min_length=1, max_length=100, description="Units it is for. Default `*`.")
    tight: LevelBounds = Field(default=TIGHT, description="Bounds of `tight`. Default 0.95, 1 service, low impact.")
    maintain: LevelBounds = Field(default=MAINTAIN, description="Bounds of `maintain`. Default 0.80, 2 services, medium impact.")
    loose: LevelBounds = Field(default=LOOSE, description="Bounds of `loose`. Default 0.65, 3 services, medium impact.")
    prediction_confidence: Share = Field(
        default=Decimal("0.90"),
        description="Repairs born of a forecast alone want a person below this confidence. Default 0.90: nothing is broken yet.",
    )

    def bounds(self, level: Level) -> LevelBounds:
        """What a level allows here."""
        return {Level.TIGHT: self.tight, Level.MAINTAIN: self.maintain, Level.LOOSE: self.loose}[level]


class Guardrails(Document):
    """How sure and how small a repair must be to merge by itself."""

    kind: Literal["Guardrails"] = Field(description="Always `Guardrails`.")
    spec: GuardrailsSpec = Field(default_factory=GuardrailsSpec, description="The level in force and what each level means.")
