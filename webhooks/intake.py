"""Group commit: deliveries that arrive while one transaction is being written share the next one.

In: the signals of one delivery. Out: nothing, once they are on disk; or the store's error, for every delivery of that
transaction, so that each sender tries again. Invariant: `keep` never returns before `Store.accept` has.
One fsync serves whoever waits, so the rate of deliveries does not depend on the disk's rate of flushes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from reconciler.errors import Retryable
from reconciler.model.signals import Signal
from reconciler.ports.store import Store


class Intake:
    """Belongs to one event loop. `most` bounds the deliveries that wait for the disk."""

    def __init__(self, store: Store, most: int = 1_000) -> None:
        self._store = store
        self._most = most
        self._waiting: list[tuple[Sequence[Signal], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, signals: Sequence[Signal]) -> None:
        if len(self._waiting) >= self._most:
            raise Retryable(f"{self._most} deliveries wait for the disk already", next_step="deliver again later")
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((signals, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            signals = [signal for delivery, _ in batch for signal in delivery]
            written = asyncio.ensure_future(asyncio.to_thread(self._store.accept, signals))
            await asyncio.wait([written])
            for _, stored in batch:
                _settle(stored, written.exception())


def _settle(stored: asyncio.Future[None], error: BaseException | None) -> None:
    """A sender that hung up has cancelled its future."""
    if stored.done():
        return
    if error is None:
        stored.set_result(None)
    else:
        stored.set_exception(error)
