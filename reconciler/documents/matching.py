"""`match`: which repairs a rule is about. Declarative, so that a reader sees at once whom a rule touches.

Everything that is written has to fit, and an empty list fits everything: an empty match is "every repair", never "none".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from reconciler.documents.base import Spec

GLOB = r"^[A-Za-z0-9*?._/@-]{1,200}$"
Glob = Annotated[str, Field(pattern=GLOB)]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=8)]


class Match(Spec):
    """What a rule applies to. All lists that are not empty must fit; in patterns `*` stands for any characters, `/` too."""

    playbooks: tuple[Glob, ...] = Field(default=(), max_length=100, description="Playbook names or patterns. Default: every one.")
    units: tuple[Glob, ...] = Field(
        default=(),
        max_length=100,
        description="Unit names or patterns; one touched unit that fits is enough. Default: every one.",
    )
    paths: tuple[Glob, ...] = Field(
        default=(), max_length=100, description="File patterns; one touched file that fits is enough. Default: every file."
    )
    causes: tuple[Glob, ...] = Field(
        default=(), max_length=20, description="Kinds of cause, as the diagnosis names them. Default: every one."
    )
