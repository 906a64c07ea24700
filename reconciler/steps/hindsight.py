"""Hindsight: which case is looked at a second time just now. A cache of this process."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.ports.analyst import Inquiry


@dataclass(frozen=True, slots=True)
class Asked:
    case: str
    inquiry: Inquiry
    since_ms: int  # when this process asked


@dataclass
class Hindsight:
    """Losing it costs one question, asked again."""

    due_ms: int = -1  # when cases are looked through again
    asked: Asked | None = None  # one at a time: a first look never waits for many
