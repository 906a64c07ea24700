"""Backup and restore: whole copies, never over anything, never under a running controller."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.stores import SqliteStore, backup, migrate, restore
from reconciler.errors import Misconfigured, Retryable
from reconciler.testing.check_store import a_signal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def _ids(path: Path) -> list[str]:
    store = SqliteStore(path, create=False)
    try:
        return [signal.id for signal in store.pending_signals()]
    finally:
        store.close()


def test_a_backup_of_a_running_store_is_one_whole_file(path: Path, tmp_path: Path):
    store = SqliteStore(path)
    store.accept([a_signal(1)])
    backup(path, tmp_path / "copy.db")
    store.accept([a_signal(2)])
    store.close()
    assert not list(tmp_path.glob("copy.db?*"))
    restore(tmp_path / "copy.db", path)
    assert _ids(path) == ["signal-1"]


def test_a_backup_is_not_changed_by_being_restored(path: Path, tmp_path: Path):
    migrate(path)
    backup(path, tmp_path / "copy.db")
    before = (tmp_path / "copy.db").read_bytes()
    restore(tmp_path / "copy.db", path)
    assert (tmp_path / "copy.db").read_bytes() == before


def test_a_backup_never_writes_over_a_file(path: Path, tmp_path: Path):
    migrate(path)
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(Misconfigured, match="never writes over"):
        backup(path, tmp_path / "precious")
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_restore_under_a_running_controller_is_refused(path: Path, tmp_path: Path):
    store = SqliteStore(path)
    backup(path, tmp_path / "copy.db")
    store.accept([a_signal(1)])
    with pytest.raises(Retryable, match="locked by another process"):
        restore(tmp_path / "copy.db", path)
    assert [signal.id for signal in store.pending_signals()] == ["signal-1"]
    store.close()


def test_a_restore_replaces_a_damaged_store(path: Path, tmp_path: Path):
    store = SqliteStore(path)
    store.accept([a_signal(1)])
    backup(path, tmp_path / "copy.db")
    store.close()
    path.write_bytes(b"\0" * 10_000)
    (tmp_path / "state.db-wal").write_bytes(b"left over")
    restore(tmp_path / "copy.db", path)
    assert _ids(path) == ["signal-1"]


@pytest.mark.parametrize("content", [b"", b"no database" * 200])
def test_a_damaged_backup_is_refused_and_the_store_kept(path: Path, tmp_path: Path, content: bytes):
    store = SqliteStore(path)
    store.accept([a_signal(1)])
    store.close()
    (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(Misconfigured):
        restore(tmp_path / "copy.db", path)
    assert _ids(path) == ["signal-1"]
    assert not (tmp_path / "state.db.copying").exists()


def test_what_is_not_there_is_named(path: Path, tmp_path: Path):
    with pytest.raises(Misconfigured, match="no store to back up"):
        backup(path, tmp_path / "copy.db")
    with pytest.raises(Misconfigured, match="no such backup"):
        restore(tmp_path / "copy.db", path)
