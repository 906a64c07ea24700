"""Memory: vectors with what they stand for, and the nearest of them. An index, no authority: all of it can be put in again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Memo:
    """One thing that is remembered. `payload` is canonical JSON."""

    key: str
    vector: tuple[float, ...]
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Near:
    """A memo and the cosine of the angle to what was asked, 1 at most."""

    memo: Memo
    likeness: float


class Memory(Protocol):
    """Keeps the newest where there are more than it can hold. A lost or damaged memory is an empty one, never an error;
    Retryable when it cannot be reached.
    """

    def put(self, memos: Sequence[Memo], mark: str) -> None:
        """All of them together with the mark, or nothing. A known key is replaced."""
        ...

    def mark(self) -> str:
        """What was put in last, in the words of whoever did it; "" when nothing was."""
        ...

    def nearest(self, vector: Sequence[float], most: int) -> Sequence[Near]:
        """The nearest first, equal ones by their keys; what has nothing in common (a cosine of 0 or less) is left out."""
        ...

    def clear(self) -> None:
        """Forgets everything, the mark too."""
        ...
