"""The layout of the store: made once, brought up when asked, refused when it is from the future or somebody else's."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters.stores import SCHEMA_VERSION, SqliteStore, migrate
from reconciler.errors import Misconfigured
from reconciler.testing.check_store import a_case, a_signal


def _run(path: Path, *statements: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]


def test_migrating_makes_a_store_and_does_nothing_the_second_time(tmp_path: Path):
    assert migrate(tmp_path / "state.db") == (0, SCHEMA_VERSION)
    assert migrate(tmp_path / "state.db") == (SCHEMA_VERSION, SCHEMA_VERSION)


def test_an_older_store_is_brought_up_with_its_content(tmp_path: Path):
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    store.accept([a_signal()])
    store.open_case(a_case(), [], [])
    store.close()
    fresh = _run(path, "SELECT name, type FROM sqlite_master ORDER BY name")
    older = ["DROP TABLE note", "DROP INDEX case_leased", "ALTER TABLE incident_case DROP COLUMN fence"]
    _run(path, *older, "UPDATE schema_version SET version = 0")
    assert migrate(path) == (0, SCHEMA_VERSION)
    store = SqliteStore(path)
    assert (store.pending_signals(), store.case("case-1")) == ([a_signal()], a_case())
    assert store.claim("w", 1 << 40, 0) is not None
    store.close()
    assert _run(path, "SELECT name, type FROM sqlite_master ORDER BY name") == fresh


def test_a_reader_asks_for_a_migration_instead_of_making_one(tmp_path: Path):
    path = tmp_path / "state.db"
    migrate(path)
    _run(path, "UPDATE schema_version SET version = 0")
    with pytest.raises(Misconfigured, match="homeostat migrate"):
        SqliteStore(path, create=False)


def test_a_reader_makes_no_store(tmp_path: Path):
    with pytest.raises(Misconfigured, match="there is no store"):
        SqliteStore(tmp_path / "state.db", create=False)
    assert not list(tmp_path.iterdir())


def test_a_store_of_a_newer_release_is_refused_and_untouched(tmp_path: Path):
    path = tmp_path / "state.db"
    migrate(path)
    _run(path, "UPDATE schema_version SET version = version + 1")
    before = path.read_bytes()
    for opened in (lambda: migrate(path), lambda: SqliteStore(path), lambda: SqliteStore(path, create=False)):
        with pytest.raises(Misconfigured, match="newer release"):
            opened()
    assert path.read_bytes() == before


def test_another_programs_database_is_not_adopted(tmp_path: Path):
    path = tmp_path / "state.db"
    _run(path, "CREATE TABLE schema_version (id INTEGER, version INTEGER)")
    with pytest.raises(Misconfigured, match="another program's database"):
        migrate(path)


def test_a_store_without_a_folder_is_named(tmp_path: Path):
    with pytest.raises(Misconfigured, match="no folder for the store"):
        migrate(tmp_path / "nowhere" / "state.db")


def test_a_migration_that_fails_leaves_the_old_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "state.db"
    migrate(path)
    _run(path, "DROP TABLE note", "UPDATE schema_version SET version = 0")
    whole = ["CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT)", "CREATE TABLE note (again TEXT)"]
    monkeypatch.setattr("reconciler.adapters.stores.schema._missing", lambda _: iter(whole))
    with pytest.raises(Exception, match="already exists"):
        migrate(path)
    assert not _run(path, "SELECT name FROM sqlite_master WHERE name = 'note'")


def test_opening_a_store_loads_no_orm(tmp_path: Path):
    migrate(tmp_path / "state.db")
    code = (
        "import sys; from reconciler.adapters.stores import SqliteStore;"
        "SqliteStore(sys.argv[1], create=False).close(); sys.exit('sqlalchemy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "state.db")], check=True, timeout=30)
