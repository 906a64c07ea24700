"""A Memory in this process, for tests of what uses one."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

from reconciler.ports.memory import Memo, Near


class HeldMemory:
    """Keeps everything while it lives."""

    def __init__(self) -> None:
        self._memos: dict[str, Memo] = {}
        self._mark = ""

    def put(self, memos: Sequence[Memo], mark: str) -> None:
        self._memos |= {memo.key: memo for memo in memos}
        self._mark = mark

    def mark(self) -> str:
        return self._mark

    def nearest(self, vector: Sequence[float], most: int) -> Sequence[Near]:
        found = [Near(memo, sum(map(mul, vector, memo.vector))) for memo in self._memos.values()]
        return sorted((n for n in found if n.likeness > 0), key=lambda n: (-n.likeness, n.memo.key))[:most]

    def clear(self) -> None:
        self._memos, self._mark = {}, ""
