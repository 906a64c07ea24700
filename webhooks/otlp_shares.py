"""Share: how much of one thing all components together may hold, and how much each, so that none keeps the others out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Share:
    """`what` is counted, in the plural."""

    def __init__(self, what: str, most: int, each: int) -> None:
        self._what, self._most, self._each = what, most, each
        self._held, self._total = Counter[str](), 0

    def why_not(self, component: str, more: int) -> str:
        """Why so many more are refused; empty when there is room."""
        if more <= 0:
            return ""
        if self._total + more > self._most:
            return f"of too many {self._what}"
        return f"of too many {self._what} of one component" if self._held[component] + more > self._each else ""

    def add(self, component: str, more: int) -> None:
        self._held[component] += more
        self._total += more

    def count_anew(self, held: Iterable[tuple[str, int]]) -> None:
        self._held.clear()
        for component, count in held:
            self._held[component] += count
        self._total = self._held.total()
