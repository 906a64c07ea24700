"""SampleStore: series and samples in their own SQLite file, bounded in age, series and bytes.

In: (component, metric, time, value). Out: the same by range. Everything here is rebuildable by scraping on, so the file
runs with `synchronous=OFF` (a power cut may lose it, a killed process does not), and a damaged file is moved aside to
`<name>.damaged` and begun anew. Invariants: one value per series and time, the last one written; only finite values;
a series beyond the cap is not begun, so hostile labels cannot grow the file; old samples go a few series at a time.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Retryable

_LAYOUT = """
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, component TEXT NOT NULL, metric TEXT NOT NULL,
    UNIQUE (component, metric));
CREATE TABLE IF NOT EXISTS sample (series INTEGER NOT NULL, t INTEGER NOT NULL, v REAL NOT NULL, PRIMARY KEY (series, t))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newest (id INTEGER PRIMARY KEY CHECK (id = 1), t INTEGER NOT NULL);
"""
_SWEEPS = 60  # old samples of a sixtieth of the series go with every write

Row = tuple[str, str, int, float]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept."""

    retention_ms: int = 6 * 3_600_000  # twice the longest look-back of diagnosis, and a night is not needed
    max_series: int = 10_000
    max_bytes: int = 256 << 20
    max_points: int = 20_000  # of one answer


class SampleStore:
    """One connection under one lock; a reading process beside the scraping one is fine (WAL)."""

    def __init__(self, path: Path | str, bounds: Bounds | None = None) -> None:
        self._path = Path(path)
        self._bounds = bounds or Bounds()
        self._guard = threading.RLock()
        self._sweep = 0
        self.refused = 0  # samples of series beyond the cap
        self._connection = self._opened()
        known = self._connection.execute("SELECT id, component, metric FROM series")
        self._ids: dict[tuple[str, str], int] = {(c, m): i for i, c, m in known}

    def close(self) -> None:
        self._connection.close()

    def write(self, rows: Sequence[Row]) -> int:
        """Stores the finite ones of these rows; how many."""
        with self._transaction() as connection:
            points = [(number, t, v) for c, m, t, v in rows if math.isfinite(v) and (number := self._series(c, m))]
            connection.executemany("INSERT OR REPLACE INTO sample (series, t, v) VALUES (?, ?, ?)", points)
            if points:
                newest = max(t for _, t, _ in points)
                connection.execute("INSERT INTO newest VALUES (1, ?) ON CONFLICT DO UPDATE SET t = max(t, excluded.t)", (newest,))
                self._forget_old(connection)
        self._shrink()
        return len(points)

    def range(self, component: str, metric: str, start_ms: int, end_ms: int) -> list[tuple[int, float]]:
        """Ascending in time; the newest ones when there are more than `max_points`."""
        query = """SELECT t, v FROM sample JOIN series ON series.id = sample.series WHERE component = ? AND metric = ?
            AND t BETWEEN ? AND ? ORDER BY t DESC LIMIT ?"""
        return self.read(query, component, metric, start_ms, end_ms, self._bounds.max_points)[::-1]

    def newest(self) -> int:
        rows = self.read("SELECT t FROM newest")
        return int(rows[0][0]) if rows else 0

    def read(self, query: str, *values: object) -> list[tuple[int, float]]:
        """Rows of a query of this package."""
        with self._guard, self._answering():
            return self._connection.execute(query, values).fetchall()

    def _series(self, component: str, metric: str) -> int:
        """The series' number, 0 when it would be one too many."""
        key = (component, metric)
        if key not in self._ids:
            if len(self._ids) >= self._bounds.max_series:
                self.refused += 1
                return 0
            insert = "INSERT INTO series (component, metric) VALUES (?, ?) ON CONFLICT DO UPDATE SET metric = metric RETURNING id"
            (number,) = self._connection.execute(insert, key).fetchone()
            self._ids[key] = int(number)
        return self._ids[key]

    def _forget_old(self, connection: sqlite3.Connection) -> None:
        (newest,) = connection.execute("SELECT t FROM newest").fetchone()
        before = newest - self._bounds.retention_ms
        self._sweep = (self._sweep + 1) % _SWEEPS
        chosen = [(number, before) for number in self._ids.values() if number % _SWEEPS == self._sweep]
        connection.executemany("DELETE FROM sample WHERE series = ? AND t < ?", chosen)

    def _shrink(self) -> None:
        """Above the byte bound the older half goes; freed pages are used again."""
        used = "SELECT page_count - freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        ((pages, size),) = self.read(used)
        if pages * size > self._bounds.max_bytes:
            with self._transaction() as connection:
                connection.execute("DELETE FROM sample WHERE t < (SELECT (min(t) + max(t)) / 2 FROM sample)")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guard, self._answering():
            before = dict(self._ids)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._ids = before  # numbers given in this transaction are gone with it
                raise

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            step = f"free space, or delete {self._path}: it fills again from the sources"
            raise Retryable(f"the telemetry file {self._path} does not answer: {error}", next_step=step) from error

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise Retryable(f"cannot open {self._path}: {error}", next_step="check its folder and permissions") from error
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._path.replace(self._path.with_name(self._path.name + ".damaged"))
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = OFF")
            connection.executescript(_LAYOUT)
        except sqlite3.Error:
            connection.close()
            raise
        return connection
