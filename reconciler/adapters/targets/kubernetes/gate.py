"""Gate: how many requests a cluster gets from us at once, and whose turn is next.

The healer must never saturate what it heals: at most `most` in flight, fewer while the API server answers that it is busy
(half at each refusal, one more for each round of successes), and what is urgent (fences, undoing) goes first.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
from types import TracebackType


class Rank(enum.IntEnum):
    """Smaller goes first."""

    URGENT = 0
    USUAL = 1
    IDLE = 2


class Gate:
    """Used on one event loop."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.allowed = float(most)
        self._busy = 0
        self._order = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    def turn(self, rank: Rank) -> _Turn:
        """`async with gate.turn(rank):` one request."""
        return _Turn(self, rank)

    def busy(self) -> None:
        """The server said that it has too much to do."""
        self.allowed = max(1.0, self.allowed / 2)

    def fine(self) -> None:
        if self.allowed < self.most:
            self.allowed = min(float(self.most), self.allowed + 1 / self.allowed)

    async def enter(self, rank: Rank) -> None:
        if self._busy < int(self.allowed) and not self._waiting:
            self._busy += 1
            return
        self._order += 1
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, self._order, mine))
        try:
            await mine  # whoever lets us in has counted us
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        self._busy -= 1
        self._next()

    def _next(self) -> None:
        while self._waiting and self._busy < int(self.allowed):
            _, _, waiting = heapq.heappop(self._waiting)
            if not waiting.done():
                self._busy += 1
                waiting.set_result(None)


class _Turn:
    """No generator behind it: it is taken for every request."""

    __slots__ = ("_gate", "_rank")

    def __init__(self, gate: Gate, rank: Rank) -> None:
        self._gate, self._rank = gate, rank

    async def __aenter__(self) -> None:
        await self._gate.enter(self._rank)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._gate.leave()
