"""The last checkpoint seen, in a file beside the keys: what makes a rolled-back or forked log visible.

Git cannot show that a ref was moved back together with everything else; a remembered tree head can. The file only
moves forward. `restore` from a backup that is older than the memory is the one exception: it opens a new epoch, on
purpose and by name, and the earlier checkpoint stays in the file as evidence.

Invariants: written whole or not at all; a damaged file is Tampered, a missing one is a first use: then the checkpoint
that the newest machine commit names is all that is remembered (`bootstrap.opening.require_named`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.audit.notes import Checkpoint, parse_checkpoint
from reconciler.errors import Permanent, Tampered
from reconciler.model.canonical import decode, encode

_RESTORE = "find out who moved the log back; after a real restore: homeostat restore"


@dataclass(frozen=True, slots=True)
class Memory:
    """`note` is the newest signed checkpoint of this epoch ("" when none); `earlier` the last of each former epoch."""

    epoch: int = 0
    note: str = ""
    earlier: tuple[str, ...] = ()

    @property
    def checkpoint(self) -> Checkpoint | None:
        return parse_checkpoint(self.note) if self.note else None


class Remembered:
    """The memory at `path`. Safe for several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Memory:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Memory()
        except OSError as error:
            raise Permanent(f"cannot read the remembered checkpoint {self._path}: {error.strerror}") from error
        try:
            memory = decode(Memory, json.loads(data))
        except (ValueError, RecursionError, Permanent) as error:
            raise Tampered(f"the remembered checkpoint {self._path} is damaged", next_step="restore it from a backup") from error
        return memory

    def advance(self, checkpoint: Checkpoint) -> None:
        """Remembers a newer checkpoint of the same log; an older one changes nothing."""
        with self._locked():
            memory = self.read()
            if memory.checkpoint is None or checkpoint.size > memory.checkpoint.size:
                self._write(replace(memory, note=checkpoint.note))

    def open_epoch(self, checkpoint: Checkpoint | None) -> int:
        """After a restore: this tree head is the new beginning. The number of the new epoch."""
        with self._locked():
            memory = self.read()
            earlier = (*memory.earlier, memory.note) if memory.note else memory.earlier
            self._write(Memory(memory.epoch + 1, checkpoint.note if checkpoint else "", earlier))
            return memory.epoch + 1

    def _write(self, memory: Memory) -> None:
        aside = self._path.with_name(self._path.name + ".new")
        with aside.open("wb") as file:
            file.write(encode(memory))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(self._path.name + ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def refuse_rollback(memory: Checkpoint | None, size: int, root_then: bytes | None) -> None:
    """Tampered unless the log still contains the remembered tree. `root_then` is the log's root at the remembered size."""
    if memory is None:
        return
    if size < memory.size:
        raise Tampered(f"the log was rolled back: it signs {size} entries, {memory.size} were seen", next_step=_RESTORE)
    if root_then != memory.root:
        raise Tampered(f"the log was forked: its first {memory.size} entries are not those seen before", next_step=_RESTORE)
