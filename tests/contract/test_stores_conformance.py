"""Every Store keeps every promise: the fake in memory and the real one on a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.adapters.stores import SqliteStore
from reconciler.ports.store import Store
from reconciler.testing.check_store import STORE_PROMISES, check_store
from reconciler.testing.store import MemoryStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    real = SqliteStore(tmp_path / "state.db")
    yield real
    real.close()


@pytest.mark.parametrize("promise", STORE_PROMISES, ids=lambda promise: promise.__name__)
def test_every_store_keeps(promise: Callable[[Store], None], store: Store):
    promise(store)


def test_the_store_kit_finds_a_store_that_breaks_a_promise():
    class Forgetful(MemoryStore):
        def keep(self, records):
            return None

    with pytest.raises(AssertionError, match="broken promise"):
        check_store(Forgetful)
