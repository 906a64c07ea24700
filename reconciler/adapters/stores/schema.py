"""The store's layout: made from `rows.py`, stamped with a version, brought up by adding what is missing.

In: a path. Out: a file whose layout is this release's, or a clear refusal. Invariants: a file of a newer release is
never touched; a foreign database is never adopted; a migration is one transaction, so a kill leaves the old layout;
migrating twice is the same as once. An older file is only brought up when asked: `migrate` is a command (and part
of starting the controller), reading commands say so instead.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from reconciler.adapters.stores.connection import APPLICATION_ID, connect, transaction, translated
from reconciler.errors import Misconfigured

SCHEMA_VERSION = 1


def migrate(path: Path | str) -> tuple[int, int]:
    """Makes the store, or brings it up to this release: (version found, version now); 0 is "there was none"."""
    file = Path(path)
    if not file.parent.is_dir():
        raise Misconfigured("there is no folder for the store", where=str(file.parent), next_step="run `homeostat init`")
    with closing(connect(file)) as connection:
        found = version(connection, file)
        if found == SCHEMA_VERSION:
            return found, found
        with transaction(connection, file):
            found = version(connection, file)  # again, now that nobody else can migrate
            if found < SCHEMA_VERSION:
                _bring_up(connection)
    return found, SCHEMA_VERSION


def version(connection: sqlite3.Connection, path: Path) -> int:
    """The layout's version, 0 for an empty file. Refuses what is newer than this release and what is not ours."""
    with translated(path):
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return 0
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        if owner != APPLICATION_ID or "schema_version" not in tables:
            raise Misconfigured("this is another program's database", where=str(path), next_step="point the store elsewhere")
        row = connection.execute("SELECT version FROM schema_version WHERE id = 1").fetchone()
    found = int(row[0]) if row else 0
    if found > SCHEMA_VERSION:
        raise Misconfigured(
            f"the store was written by a newer release (layout {found}, this release knows {SCHEMA_VERSION})",
            where=str(path),
            next_step="install that release again, or restore a backup made before the upgrade",
        )
    return found


def require(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses a store that has to be made or migrated first."""
    found = version(connection, path)
    if found < SCHEMA_VERSION:
        message = f"the store has layout {found}, this release needs {SCHEMA_VERSION}"
        raise Misconfigured(message, where=str(path), next_step="run `homeostat migrate`")


def _bring_up(connection: sqlite3.Connection) -> None:
    for statement in _missing(connection):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("INSERT OR REPLACE INTO schema_version (id, version) VALUES (1, ?)", (SCHEMA_VERSION,))


def _missing(connection: sqlite3.Connection) -> Iterator[str]:
    """The statements that add to this file what `rows.py` describes and the file lacks."""
    # 0.6 s and 40 MB, so only where a layout is made
    from sqlalchemy.dialects.sqlite import dialect
    from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

    from reconciler.adapters.stores.rows import Row

    sqlite = dialect()
    indexes = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    for table in Row.metadata.sorted_tables:
        columns = {row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")')}
        if not columns:
            yield str(CreateTable(table).compile(dialect=sqlite))
        for column in table.columns if columns else ():
            if column.name not in columns:
                yield f'ALTER TABLE "{table.name}" ADD COLUMN {CreateColumn(column).compile(dialect=sqlite)}'
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            if index.name not in indexes:
                yield str(CreateIndex(index).compile(dialect=sqlite))
