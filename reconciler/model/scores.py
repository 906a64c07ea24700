"""SystemScore: how well the whole is, from 0 to 100, with what took the points. Numbers are decimal text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from reconciler.errors import Permanent
from reconciler.model.canonical import decode

NOTED: Final = "score"  # the store's note of it, for whoever looks from another process


@dataclass(frozen=True, slots=True)
class Lost:
    """Points that one kind of trouble of one component took."""

    component: str
    kind: str  # failures, slowness, fullness, replicas, patterns
    points: str


@dataclass(frozen=True, slots=True)
class SystemScore:
    """Told by the loop once a minute. `lost`, the largest first, and `score` are 100 together."""

    made_ms: int
    score: str
    lost: tuple[Lost, ...]
    unknown: tuple[str, ...]  # components of which nothing is measured
    resting: tuple[str, ...] = ()  # components that people work on: left out


def noted(text: str) -> SystemScore | None:
    """The score of a note; None when nothing was measured. One of another release is not known until it is made again."""
    try:
        return decode(SystemScore, json.loads(text)) if text else None
    except (Permanent, ValueError, TypeError):
        return None
