"""Every Work keeps every promise: the fake in memory and the leased table on a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.adapters.stores import SqliteStore
from reconciler.testing.check_work import WORK_PROMISES, StoreWithWork, check_work, serialises_one_target
from reconciler.testing.store import MemoryStore

KINDS = ["memory", "sqlite"]


@pytest.fixture(params=KINDS)
def work(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreWithWork]:
    yield from _made(request.param, tmp_path, serialise=False)


@pytest.fixture(params=KINDS)
def serial(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreWithWork]:
    yield from _made(request.param, tmp_path, serialise=True)


def _made(kind: str, folder: Path, *, serialise: bool) -> Iterator[StoreWithWork]:
    if kind == "memory":
        yield MemoryStore(serialise=serialise)
        return
    real = SqliteStore(folder / "state.db", serialise=serialise)
    yield real
    real.close()


@pytest.mark.parametrize("promise", WORK_PROMISES, ids=lambda promise: promise.__name__)
def test_every_work_table_keeps(promise: Callable[[StoreWithWork], None], work: StoreWithWork):
    promise(work)


def test_every_work_table_serialises_one_target_when_asked(serial: StoreWithWork):
    serialises_one_target(serial)


def test_the_work_kit_finds_a_table_that_leases_twice():
    class Generous(MemoryStore):
        def _is_free(self, case, now_ms, wall_ms):
            return case.due_ms <= now_ms

    with pytest.raises(AssertionError, match="broken promise"):
        check_work(Generous, lambda: Generous(serialise=True))
