"""SqliteStore: signals, cases, outbox and notes in one file (`ports.store.Store`), and the work table beside them.

In: values. Out: values. Every writing method is one transaction that is on disk (see `connection`) when it returns;
a failure of any kind leaves the file as it was. A case is compared by version before it is replaced, so a worker
that lost its lease writes nothing. Invariants: a signal id and a record key are stored once; a signal leaves
"pending" together with the case that took it.

One connection under one lock serves all threads of a process; processes meet in SQLite's own lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.adapters.stores.connection import BUSY_MS, connect, transaction, translated
from reconciler.adapters.stores.mapping import CASE_COLUMNS, case_row, record_row, signal_row, to_case, to_record, to_signal
from reconciler.adapters.stores.schema import migrate, require
from reconciler.adapters.stores.work import WorkTable
from reconciler.errors import Misconfigured
from reconciler.model.cases import Case
from reconciler.model.records import Record
from reconciler.model.signals import Signal

INSERT_CASE = f"INSERT INTO incident_case ({CASE_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"  # noqa: S608
UPDATE_CASE = """UPDATE incident_case SET repository = ?, target = ?, fingerprint = ?, stage = ?, due_ms = ?, opened_ms = ?,
    data = ?, reason = ?, detail = ?, attempts = ?, version = version + 1 WHERE id = ? AND version = ?"""
KEEP_RECORD = "INSERT INTO outbox (key, body) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
ACCEPT = "INSERT INTO signal (id, body, received_ms) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
GROUPED = "UPDATE signal SET state = 'grouped', case_id = ? WHERE id = ? AND state = 'pending'"


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits and since when, for the healer's own metrics; `oldest_ms` is 0 when nothing waits."""

    signals: int
    oldest_ms: int
    records: int
    open_cases: int


class SqliteStore(WorkTable):
    """`create=False` refuses a store that has to be made or migrated first; `serialise` is the work table's."""

    def __init__(self, path: Path | str, *, create: bool = True, serialise: bool = False, busy_ms: int = BUSY_MS) -> None:
        file = Path(path)
        if create:
            migrate(file)
        elif not file.exists():
            raise Misconfigured("there is no store", where=str(file), next_step="run `homeostat init` or `homeostat up`")
        super().__init__(file, serialise=serialise, busy_ms=busy_ms)
        self._path = file
        self._guard = threading.RLock()
        self._connection = connect(file, busy_ms=busy_ms)
        try:
            require(self._connection, file)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        self._connection.close()

    def accept(self, signals: Sequence[Signal]) -> int:
        rows = [signal_row(signal) for signal in signals]
        with self._writing() as connection:
            return connection.executemany(ACCEPT, rows).rowcount if rows else 0

    def pending_signals(self, limit: int = 1_000) -> Sequence[Signal]:
        query = "SELECT body FROM signal WHERE state = 'pending' ORDER BY seq LIMIT ?"
        return [to_signal(body) for (body,) in self._read(query, limit)]

    def open_case(self, case: Case, signals: Sequence[str], records: Sequence[Record]) -> bool:
        with self._writing() as connection:
            if connection.execute(INSERT_CASE, case_row(case)).rowcount != 1:
                return False
            _group(connection, case.id, signals)
            _keep(connection, records)
            return True

    def join(self, case: Case, signals: Sequence[str]) -> bool:
        with self._writing() as connection:
            if not _replace(connection, case):
                return False
            _group(connection, case.id, signals)
            return True

    def drop_signals(self, signals: Sequence[str], reason: str) -> None:
        with self._writing() as connection:
            update = "UPDATE signal SET state = 'dropped', reason = ? WHERE id = ? AND state = 'pending'"
            connection.executemany(update, [(reason, one) for one in signals])

    def case(self, case_id: str) -> Case | None:
        rows = self._read(f"SELECT {CASE_COLUMNS} FROM incident_case WHERE id = ?", case_id)  # noqa: S608
        return to_case(rows[0]) if rows else None

    def cases(self, *, open_only: bool = False, limit: int = 1_000) -> Sequence[Case]:
        where = "WHERE stage <> 'done'" if open_only else ""
        query = f"SELECT {CASE_COLUMNS} FROM incident_case {where} ORDER BY opened_ms DESC, rowid DESC LIMIT ?"  # noqa: S608
        return [to_case(row) for row in self._read(query, limit)]

    def commit(self, case: Case, records: Sequence[Record]) -> bool:
        with self._writing() as connection:
            if not _replace(connection, case):
                return False
            _keep(connection, records)
            return True

    def keep(self, records: Sequence[Record]) -> None:
        with self._writing() as connection:
            _keep(connection, records)

    def outbox(self, limit: int = 1_000) -> Sequence[Record]:
        query = "SELECT body FROM outbox WHERE published = 0 ORDER BY seq LIMIT ?"
        return [to_record(body) for (body,) in self._read(query, limit)]

    def published(self, keys: Sequence[str]) -> None:
        """The key stays, so that it is never written twice; the body now lives in the log."""
        with self._writing() as connection:
            connection.executemany("UPDATE outbox SET published = 1, body = '' WHERE key = ?", [(key,) for key in keys])

    def note(self, key: str, value: str) -> None:
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO note (key, value) VALUES (?, ?)", (key, value))

    def noted(self, key: str) -> str:
        rows = self._read("SELECT value FROM note WHERE key = ?", key)
        return str(rows[0][0]) if rows else ""

    def backlog(self) -> Backlog:
        (row,) = self._read(
            """SELECT (SELECT count(*) FROM signal WHERE state = 'pending'),
                      (SELECT coalesce(min(received_ms), 0) FROM signal WHERE state = 'pending'),
                      (SELECT count(*) FROM outbox WHERE published = 0),
                      (SELECT count(*) FROM incident_case WHERE stage <> 'done')"""
        )
        return Backlog(*row)

    def prune(self, before_ms: int) -> int:
        """What is pending stays, however old."""
        with self._writing() as connection:
            return connection.execute("DELETE FROM signal WHERE state <> 'pending' AND received_ms < ?", (before_ms,)).rowcount

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._guard, transaction(self._connection, self._path) as connection:
            yield connection

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._guard, translated(self._path):
            return self._connection.execute(query, values).fetchall()


def _replace(connection: sqlite3.Connection, case: Case) -> bool:
    row = case_row(case)
    return connection.execute(UPDATE_CASE, (*row[1:11], case.id, case.version)).rowcount == 1


def _group(connection: sqlite3.Connection, case_id: str, signals: Sequence[str]) -> None:
    connection.executemany(GROUPED, [(case_id, one) for one in signals])


def _keep(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    connection.executemany(KEEP_RECORD, [record_row(record) for record in records])
