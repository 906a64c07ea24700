"""Backup and restore of the store: whole, consistent copies, made while the controller runs.

`backup` uses SQLite's online backup, so a copy is one moment of the store. Both directions write beside the goal
and rename, so a kill or a full disk leaves what was there. `restore` refuses a copy that is damaged, foreign or of
a newer release; what a restore forgets is rebuilt from Git, the log and re-sent alerts.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from reconciler.adapters.stores.connection import LOST, translated
from reconciler.adapters.stores.schema import version
from reconciler.errors import Misconfigured, Retryable


def backup(path: Path | str, to: Path | str) -> None:
    """Copies the store at `path` to the new file `to`; refuses to write over anything."""
    source, goal = Path(path), Path(to)
    if not source.is_file():
        raise Misconfigured("there is no store to back up", where=str(source), next_step="check HOME")
    if goal.exists():
        raise Misconfigured("a backup never writes over a file", where=str(goal), next_step="choose another name")
    _copy(source, goal)


def restore(copy: Path | str, path: Path | str) -> None:
    """Replaces the store at `path` by a checked copy. The controller must be stopped: a held store is refused."""
    source, goal = Path(copy), Path(path)
    if not source.is_file():
        raise Misconfigured("there is no such backup", where=str(source), next_step="give the file that `backup` wrote")
    _refuse_held(goal)
    _copy(source, goal)


def _copy(source: Path, goal: Path) -> None:
    fresh = goal.with_name(goal.name + ".copying")
    fresh.unlink(missing_ok=True)  # left by a copy that was killed
    try:
        with translated(source), closing(_reading(source)) as reading, closing(sqlite3.connect(fresh)) as writing:
            if not version(reading, source):
                raise Misconfigured(
                    "there is no store in this file", where=str(source), next_step="give the file that `backup` wrote"
                )
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
            _check(writing, source)
        _sync(fresh)
        for leftover in ("-wal", "-shm"):  # they belong to the store that is replaced
            goal.with_name(goal.name + leftover).unlink(missing_ok=True)
        fresh.replace(goal)
        _sync(goal.parent)
    except OSError as error:
        raise Retryable(f"cannot copy {source} to {goal}: {error.strerror}", next_step="check space and permissions") from error
    finally:
        fresh.unlink(missing_ok=True)


def _reading(source: Path) -> sqlite3.Connection:
    """Read-only, so that a backup file stays one file, byte for byte."""
    return sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)


def _check(connection: sqlite3.Connection, source: Path) -> None:
    (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        raise Misconfigured(f"the store is damaged ({answer})", where=str(source), next_step=LOST)


def _refuse_held(goal: Path) -> None:
    """A running controller would go on writing into the file that was replaced."""
    if not goal.exists():
        return
    with translated(goal), closing(sqlite3.connect(goal, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE").close()
            connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                return  # a damaged store is what a restore is for
            raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
