"""A store in trouble says so with a next step, and is left as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters.stores import SqliteStore
from reconciler.adapters.stores.connection import connect, meaning
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.cases import Stage
from reconciler.testing.check_store import a_case, a_record, a_signal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SqliteStore(tmp_path / "state.db").close()
    return tmp_path / "state.db"


def test_every_commit_is_synced_and_journaled_ahead(path: Path):
    with closing(connect(path)) as connection:
        values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]


def test_a_locked_store_asks_to_try_again_and_changes_nothing(path: Path):
    store = SqliteStore(path, busy_ms=20)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Retryable, match="locked by another process"):
            store.accept([a_signal()])
        assert list(store.pending_signals()) == []
        other.execute("ROLLBACK")
    assert store.accept([a_signal()]) == 1
    store.close()


def test_a_full_disk_writes_neither_the_case_nor_its_records(path: Path):
    store = SqliteStore(path)
    store.open_case(a_case(), [], [])
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    records = [a_record("small"), a_record("big", ballast="x" * 200_000)]
    with pytest.raises(Retryable, match="no space is left"):
        store.commit(a_case(reason="written"), records)
    assert (store.case("case-1"), list(store.outbox())) == (a_case(), [])
    assert store.commit(a_case(), [a_record("small")])
    store.close()


def test_a_read_only_store_is_named_and_changes_nothing(path: Path):
    store = SqliteStore(path)
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(Misconfigured, match="cannot be written"):
        store.accept([a_signal()])
    store.close()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path):
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(Misconfigured, match="restore a backup"):
        SqliteStore(path)
    assert path.read_bytes() == b"not a database at all" * 100


def test_a_damaged_page_is_refused_with_a_next_step(path: Path):
    store = SqliteStore(path)
    store.accept([a_signal(number) for number in range(500)])
    store.close()
    raw = bytearray(path.read_bytes())
    raw[8192 : len(raw) - 4096] = b"\xa5" * (len(raw) - 12288)
    path.write_bytes(raw)
    with pytest.raises(Misconfigured, match="the store is damaged"):
        SqliteStore(path).pending_signals()


def test_a_row_that_this_release_cannot_read_is_named(path: Path):
    store = SqliteStore(path)
    store.accept([a_signal()])
    store._connection.execute("UPDATE signal SET body = '{\"id\":1}'")
    with pytest.raises(Misconfigured, match="a signal that this release cannot read"):
        store.pending_signals()
    store.close()


@pytest.mark.parametrize(("column", "value"), [("stage", "ascend"), ("data", "not json"), ("data", "[1]")])
def test_a_case_that_this_release_cannot_read_is_shown_as_it_stands_and_hides_no_other(path: Path, column: str, value: str):
    store = SqliteStore(path)
    store.open_case(a_case("case-1"), [], [])
    store.open_case(a_case("case-2"), [], [])
    broken = f"UPDATE incident_case SET {column} = ? WHERE id = 'case-1'"  # noqa: S608 - the columns are named above
    store._connection.execute(broken, (value,))
    shown = store.case("case-1")
    assert shown is not None
    assert shown.stage is Stage.UNREADABLE
    assert shown.data[column] == value
    assert {case.id for case in store.cases(open_only=True)} == {"case-1", "case-2"}
    store.close()


def test_an_unknown_failure_is_permanent():
    assert isinstance(meaning(sqlite3.OperationalError("no such table: x"), Path("s")), Permanent)


def test_the_backlog_says_how_much_waits_and_since_when(path: Path):
    store = SqliteStore(path)
    store.accept([a_signal(1), a_signal(2)])
    store.open_case(a_case(), ["signal-1"], [a_record()])
    backlog = store.backlog()
    assert (backlog.signals, backlog.oldest_ms, backlog.records, backlog.open_cases) == (1, 2_002, 1, 1)
    store.close()
