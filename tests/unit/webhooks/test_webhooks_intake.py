"""Group commit: who waits shares one transaction, and shares its failure."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reconciler.errors import Retryable
from reconciler.testing.check_store import a_signal
from reconciler.testing.store import MemoryStore
from webhooks.intake import Intake


class SlowStore(MemoryStore):
    """Counts transactions; the first one waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.go = threading.Event()
        self.broken = False

    def accept(self, signals):
        self.go.wait(5)
        self.batches.append(len(signals))
        if self.broken:
            raise Retryable("the disk is full")
        return super().accept(signals)


async def _deliver(store: SlowStore, count: int, most: int = 1_000) -> list[object]:
    intake = Intake(store, most)
    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(intake.keep([a_signal(number)])))
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks[:1])  # nothing is answered before it is stored
    store.go.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_deliveries_that_wait_share_one_transaction():
    store = SlowStore()
    assert asyncio.run(_deliver(store, 20)) == [None] * 20
    assert sum(store.batches) == len(store.pending_signals()) == 20
    assert len(store.batches) <= 3


def test_a_transaction_that_fails_fails_every_delivery_in_it():
    store = SlowStore()
    store.broken = True
    assert [str(error) for error in asyncio.run(_deliver(store, 3))] == ["the disk is full"] * 3


def test_the_intake_works_again_after_a_failure():
    async def both() -> None:
        store = SlowStore()
        store.go.set()
        store.broken = True
        intake = Intake(store)
        with pytest.raises(Retryable):
            await intake.keep([a_signal(1)])
        store.broken = False
        await intake.keep([a_signal(1)])
        assert len(store.pending_signals()) == 1

    asyncio.run(both())


def test_too_many_waiting_deliveries_are_refused():
    answers = asyncio.run(_deliver(SlowStore(), 20, most=5))
    refused = [answer for answer in answers if isinstance(answer, Retryable)]
    assert refused
    assert "wait for the disk already" in str(refused[0])
