"""Autonomy: how far the machine may go, by playbook and unit. Where no rule matches it is in shadow.

The rule that names more counts: playbook and unit by name, then playbook by name, then unit by name, then patterns. Among
equals the strictest counts, and an edit of several units gets the strictest of theirs. A high-impact repair merges by
itself only under a rule that names its playbook (no pattern).
"""

from __future__ import annotations

import enum
from typing import Literal

from pydantic import Field

from reconciler.documents.base import Document, Spec
from reconciler.documents.matching import Glob


class Mode(enum.StrEnum):
    """How far the machine may go, strictest first."""

    SHADOW = "shadow"
    REVIEW = "review"
    AUTONOMOUS = "autonomous"


class AutonomyRule(Spec):
    """One grant."""

    playbooks: tuple[Glob, ...] = Field(min_length=1, max_length=100, description="Playbook names or patterns it is for.")
    units: tuple[Glob, ...] = Field(
        default=("*",), min_length=1, max_length=100, description="Unit names or patterns. Default `*`."
    )
    mode: Mode = Field(
        description="`shadow` only says what it would do, `review` opens pull requests that people merge, `autonomous` merges by "
        "itself what passes both judges."
    )


class AutonomySpec(Spec):
    """The grants."""

    rules: tuple[AutonomyRule, ...] = Field(max_length=200, description="The grants; what none of them matches is in shadow.")


class Autonomy(Document):
    """How far the machine may go, by playbook and unit."""

    kind: Literal["Autonomy"] = Field(description="Always `Autonomy`.")
    spec: AutonomySpec = Field(description="The grants.")
