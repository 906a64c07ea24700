"""Ledger: which pages went out, as JSON lines that people can read and no crash can tear.

In: a key and what to write down. Out: whether it was new. Several processes may write: each appends under a file lock
after reading what the others added. A line that a kill or a full disk cut short is ended or taken back, and the page
counts as not sent. Foreign text cannot break out of its line: JSON escapes control characters.

Bounded: a file that is full becomes `NAME.1`, in place of the one before, and a new one begins. The keys of both count; one
that only older files had is sent again if it comes again.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reconciler.errors import Retryable

MAX_TEXT = 4_000  # characters of one field; a page is read on a telephone
MAX_BYTES = 1 << 20  # of a file that takes no more lines: a thousand pages or more


class Ledger:
    """One file of pages, each key once."""

    def __init__(self, path: Path | str, max_bytes: int = MAX_BYTES) -> None:
        self._path = Path(path)
        self._older = self._path.with_name(f"{self._path.name}.1")
        self._max_bytes = max_bytes
        self._guard = threading.Lock()
        self._keys: set[str] = set()
        self._files: tuple[int, int] = (0, 0)  # which ones `_keys` is from
        self._read = 0  # bytes read so far

    def once(self, key: str, fields: dict[str, str | int], send: Callable[[], None]) -> bool:
        """Sends and writes down, unless this key is there already; what `send` raises is not written down."""
        with self._guard:
            try:
                while (told := self._once(key, fields, send)) is None:
                    pass  # a file was put away
            except OSError as error:
                step = "free space and check its permissions"
                raise Retryable(f"cannot write {self._path}: {error.strerror}", next_step=step) from error
            return told

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The file that takes lines, locked; one that others put away meanwhile is let go."""
        while True:
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._path.exists() and os.fstat(file.fileno()).st_ino == self._path.stat().st_ino:
                    yield file
                    return

    def _once(self, key: str, fields: dict[str, str | int], send: Callable[[], None]) -> bool | None:
        """None when the file was full and is put away: then the next one is to be asked."""
        with self._locked() as file:
            end = self._catch_up(file)
            if key in self._keys:
                return False
            if end >= self._max_bytes:
                self._path.replace(self._older)
                return None
            send()
            self._write(file, end, key, fields)
            return True

    def _write(self, file: BinaryIO, end: int, key: str, fields: dict[str, str | int]) -> None:
        capped = {name: value[:MAX_TEXT] if isinstance(value, str) else value for name, value in fields.items()}
        line = json.dumps({"key": key, **capped}).encode() + b"\n"
        try:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)  # half a line would be ended by the next writer and never match its key
            raise
        self._keys.add(key)
        self._read = end + len(line)

    def _catch_up(self, file: BinaryIO) -> int:
        """Reads what was added; the file's end. Files that were put away, and one that shrank, are read anew."""
        end = file.seek(0, os.SEEK_END)
        older = self._older.stat().st_mtime_ns if self._older.exists() else 0
        files = (os.fstat(file.fileno()).st_ino, older)
        if end < self._read or files != self._files:
            self._keys = _keys(self._older.read_bytes()) if older else set()
            self._read, self._files = 0, files
        file.seek(self._read)
        added = file.read()
        self._keys |= _keys(added)
        if added and not added.endswith(b"\n"):
            file.write(b"\n")
            end += 1
        self._read = end
        return end


def _keys(lines: bytes) -> set[str]:
    return {key for line in lines.splitlines() if (key := _key(line))}


def _key(line: bytes) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return ""  # cut short, or not ours
    return str(entry.get("key", "")) if isinstance(entry, dict) else ""
