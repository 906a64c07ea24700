"""EmbeddedMemory: vectors in an SQLite file, compared in one product (`ports.memory.Memory`).

Everything here can be made anew, so the file runs without fsync, and one that is damaged or of another release is moved aside
to `<name>.damaged` and begun anew. The vectors are kept in this process and read again when another one has written. Cosines are
told to six digits, so that equal ones are equal on every machine.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Retryable
from reconciler.ports.memory import Memo, Near

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

LAYOUT = """
CREATE TABLE IF NOT EXISTS memo (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, vector BLOB NOT NULL,
    payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY CHECK (id = 1), text TEXT NOT NULL);
"""
MOST = 20_000  # memos: 20 MB in this process
_ADD = """INSERT INTO memo (key, vector, payload) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET vector = excluded.vector, payload = excluded.payload"""


class EmbeddedMemory:
    """One connection under one lock."""

    def __init__(self, path: Path | str, most: int = MOST) -> None:
        self._path, self._most = Path(path), most
        self._guard = threading.RLock()
        self._vectors: tuple[list[str], Vectors] | None = None
        self._version = -1  # of the file, as the vectors were read from it
        self._connection: sqlite3.Connection | None = (
            None  # from the first question on: a file in the way keeps nobody from starting
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def put(self, memos: Sequence[Memo], mark: str) -> None:
        rows = [(memo.key, _bytes(memo.vector), json.dumps(dict(memo.payload), sort_keys=True)) for memo in memos]
        with self._writing() as connection:
            connection.executemany(_ADD, rows)
            connection.execute("DELETE FROM memo WHERE number <= (SELECT max(number) FROM memo) - ?", (self._most,))
            connection.execute("INSERT INTO mark VALUES (1, ?) ON CONFLICT DO UPDATE SET text = excluded.text", (mark,))

    def mark(self) -> str:
        with self._answering() as connection:
            found = connection.execute("SELECT text FROM mark").fetchone()
        return str(found[0]) if found else ""

    def nearest(self, vector: Sequence[float], most: int) -> Sequence[Near]:
        with self._answering() as connection:
            keys, vectors = self._known(connection, len(vector))
            cosines = (vectors @ _vector(_bytes(vector))).tolist() if keys else []
            found = ((key, round(cosine, 6)) for key, cosine in zip(keys, cosines, strict=True))
            ranked = sorted((item for item in found if item[1] > 0), key=lambda item: (-item[1], item[0]))[:most]
            return [Near(self._memo(connection, key), likeness) for key, likeness in ranked]

    def clear(self) -> None:
        with self._writing() as connection:
            connection.execute("DELETE FROM memo")
            connection.execute("DELETE FROM mark")

    def _memo(self, connection: sqlite3.Connection, key: str) -> Memo:
        vector, payload = connection.execute("SELECT vector, payload FROM memo WHERE key = ?", (key,)).fetchone()
        return Memo(key, tuple(_vector(vector).tolist()), json.loads(payload))

    def _known(self, connection: sqlite3.Connection, length: int) -> tuple[list[str], Vectors]:
        """Those of this length: what was made by another mapping has nothing in common with anything."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if self._vectors is None or version != self._version or self._vectors[1].shape[1] != length:
            rows = connection.execute("SELECT key, vector FROM memo WHERE length(vector) = ?", (4 * length,)).fetchall()
            matrix = _vector(b"".join(vector for _, vector in rows)).reshape(len(rows), length)
            self._vectors, self._version = ([str(key) for key, _ in rows], matrix), version
        return self._vectors

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._answering() as connection:
            self._vectors = None
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _answering(self) -> Iterator[sqlite3.Connection]:
        """A file that broke is begun anew with the next question; anything else may pass."""
        with self._guard:
            connection = self._connection = self._connection or self._opened()
            try:
                yield connection
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    connection.close()
                    self._connection, self._vectors = self._anew(), None
                raise Retryable(
                    f"the memory of incidents {self._path} did not answer: {error}", next_step="free disk space"
                ) from error

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
                raise Retryable(
                    f"the memory of incidents {self._path} cannot be opened: {error}", next_step="free disk space"
                ) from error
        return self._anew()

    def _anew(self) -> sqlite3.Connection:
        self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
        for leftover in (f"{self._path.name}-wal", f"{self._path.name}-shm"):
            self._path.with_name(leftover).unlink(missing_ok=True)
        return self._connected()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            for setting in ("trusted_schema = OFF", "journal_mode = WAL", "synchronous = OFF"):
                connection.execute(f"PRAGMA {setting}").fetchone()
            connection.executescript(LAYOUT)
            connection.execute("SELECT number, key, vector, payload FROM memo LIMIT 1").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _bytes(vector: Sequence[float]) -> bytes:
    import numpy as np

    return np.asarray(vector, dtype="<f4").tobytes()


def _vector(data: bytes) -> Vectors:
    import numpy as np

    return np.frombuffer(data, dtype="<f4")
