"""The inventory of a directory target: which files are Homeostat's, whose unit they are, and the newest generation.

One file, written whole, changed only under the folder's lock. Before files are touched the ledger says what they will be
(`next_digest`, `next_file`), afterwards what they are: a crash in between leaves files that are known to be ours, and
`settle` finds out which writes had happened. What was applied last is never forgotten on the way.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.adapters.targets.files import Files
from reconciler.errors import Permanent, Retryable
from reconciler.model.canonical import decode, encode

FOLDER, FILE, LOCK = ".homeostat", "inventory.json", "lock"


@dataclass(frozen=True, slots=True)
class Entry:
    """One object's file: `digest` and `file` (of the bytes) as applied last, "" before the first time."""

    unit: str
    digest: str
    file: str
    next_digest: str = ""
    next_file: str = ""


@dataclass(frozen=True, slots=True)
class Fence:
    generation: int
    revision: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything the folder's inventory holds."""

    objects: Mapping[str, Entry] = field(default_factory=dict)
    units: Mapping[str, Fence] = field(default_factory=dict)

    def fence(self, unit: str) -> Fence:
        return self.units.get(unit, Fence(0, ""))

    def of(self, unit: str) -> Mapping[str, Entry]:
        return {i: e for i, e in sorted(self.objects.items()) if e.unit == unit}

    def with_entries(self, entries: Mapping[str, Entry | None]) -> Ledger:
        """These entries changed; None removes."""
        merged: dict[str, Entry | None] = {**self.objects, **entries}
        return replace(self, objects={i: e for i, e in merged.items() if e is not None})

    def with_fence(self, unit: str, fence: Fence) -> Ledger:
        return replace(self, units={**self.units, unit: fence})

    def settle(self, content: Callable[[str], str]) -> Ledger:
        """Ends what a crash interrupted: `content` gives the digest of an object's file now."""
        open_ = {i: e for i, e in self.objects.items() if e.next_file}
        return self.with_entries({i: settled(e, done=content(i) == e.next_file) for i, e in open_.items()}) if open_ else self


def settled(entry: Entry, *, done: bool) -> Entry | None:
    if done:
        return Entry(entry.unit, entry.next_digest, entry.next_file)
    return Entry(entry.unit, entry.digest, entry.file) if entry.file else None


def load(files: Files, root: Path) -> Ledger:
    data = files.read(FOLDER, FILE)
    if data is None:
        return Ledger()
    try:
        return decode(Ledger, json.loads(data))
    except (ValueError, Permanent) as error:
        raise Permanent(
            f"{root / FOLDER / FILE} cannot be read: {error}",
            next_step="restore it from a backup; without it no file below is known to be Homeostat's and none is touched",
        ) from error


def save(files: Files, ledger: Ledger) -> None:
    files.write(FOLDER, FILE, encode(ledger) + b"\n")


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """The folder's lock; Retryable when another process holds it. The lock ends with the process."""
    folder = root / FOLDER
    if folder.is_symlink():
        raise Permanent(f"{folder} is a link; it is not followed", next_step="replace it by a folder")
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Retryable(f"another process applies to {root}", after_ms=500) from error
    finally:
        os.close(handle)
