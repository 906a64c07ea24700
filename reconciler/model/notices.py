"""Noticed: a series that stood out in the cheap first look, with the reasons as named numbers (decimal text)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from reconciler.errors import Permanent
from reconciler.model.canonical import decode

NOTED: Final = "attention"  # the store's note of the newest ones, for whoever looks from another process


@dataclass(frozen=True, slots=True)
class Noticed:
    """Told by the loop every quarter of a minute, the most salient first; nothing is decided by it."""

    component: str
    metric: str
    level: str  # whose surprise it is: series, service, system
    at_ms: int
    salience: str
    reasons: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """One sentence, from the fields alone."""
        why = ", ".join(f"{name} {value}" for name, value in self.reasons)
        return f"{self.metric} of {self.component} stands out (salience {self.salience}, surprise of the {self.level}): {why}"


def noted(text: str) -> tuple[Noticed, ...]:
    """The notices of a note; those of another release are not known until the next look."""
    try:
        return tuple(decode(Noticed, one) for one in json.loads(text or "[]"))
    except (Permanent, ValueError, TypeError):
        return ()
