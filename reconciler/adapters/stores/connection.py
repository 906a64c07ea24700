"""Connections to the store's file, and what its failures mean to the loop.

In: a path. Out: sqlite3 connections with WAL, busy timeout and foreign keys on, and `translated()`, the one place
where an sqlite error becomes a Homeostat error with a next step.

Durability: `synchronous=FULL` in WAL mode makes SQLite call fsync (fdatasync where the platform has it) on the
`-wal` file at every commit before it returns, and on the database file at checkpoints. A commit that returned
survives loss of power as far as the disk keeps what it acknowledged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import HomeostatError, Misconfigured, Permanent, Retryable

BUSY_MS = 5_000  # longer than any transaction here; a lock held beyond it is somebody's forgotten shell
APPLICATION_ID = 0x484F4D45  # "HOME": `file` and we know the store from another program's database
LOST = "nothing was changed; restore a backup with `homeostat restore`, or move the file away: it is rebuilt from Git and the log"

_DISK = "free disk space or check the disk"
_WAIT = {
    sqlite3.SQLITE_BUSY: ("the store is locked by another process", 1_000, "see who holds it with `fuser`"),
    sqlite3.SQLITE_LOCKED: ("the store is locked by another process", 1_000, "see who holds it with `fuser`"),
    sqlite3.SQLITE_FULL: ("no space is left for the store", 10_000, _DISK),
    sqlite3.SQLITE_IOERR: ("the disk failed under the store", 10_000, _DISK),
}
_PERMISSION = "give its folder and files to this user"
_REPAIR = {
    sqlite3.SQLITE_READONLY: ("the store cannot be written", _PERMISSION),
    sqlite3.SQLITE_CANTOPEN: ("the store cannot be opened", _PERMISSION),
    sqlite3.SQLITE_PERM: ("the store cannot be opened", _PERMISSION),
    sqlite3.SQLITE_CORRUPT: ("the store is damaged", LOST),
    sqlite3.SQLITE_NOTADB: ("the store is damaged", LOST),
}


def connect(path: Path, *, synchronous: str = "FULL", busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    """An autocommit connection: transactions are begun explicitly, so none is ever left open by accident."""
    with translated(path):
        connection = sqlite3.connect(path, timeout=busy_ms / 1_000, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute(f"PRAGMA synchronous = {synchronous}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """One write transaction: everything or nothing. The lock is taken first, so it never fails half-way on a lock."""
    with translated(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk may have rolled back already
                connection.execute("ROLLBACK")
            raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Runs sqlite calls; their errors come out as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise meaning(error, path) from error


def meaning(error: sqlite3.Error, path: Path) -> HomeostatError:
    """What an sqlite error asks for: wait, free space, fix a permission, or restore."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code below the extended one
    if code in _WAIT:
        message, after_ms, next_step = _WAIT[code]
        return Retryable(f"{message} ({error}): {path}; nothing was changed", after_ms=after_ms, next_step=next_step)
    if code in _REPAIR:
        message, next_step = _REPAIR[code]
        return Misconfigured(f"{message} ({error})", where=str(path), next_step=next_step)
    return Permanent(f"the store {path} refused a statement: {error}", next_step="run `homeostat migrate`, then report this")
