"""Keeping: a short list of frozen values in one file that only this user reads, replaced as a whole.

In: a path and the type of a value. Out: the list. A reader sees the old list or the new one, never half of one; whoever
changes it takes turns under a lock file that the kernel frees, also after kill -9. What does not read is an error, and
what that means is the caller's to say: a list of who may come in that does not read lets nobody in.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.canonical import decode, plain

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """`what` names the list in errors."""

    path: Path
    kind: type[T]
    what: str

    def read(self) -> list[T]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return [decode(self.kind, value) for value in found]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Retryable(f"cannot read {self.what}: {error.strerror}", next_step=f"check {self.path}") from error
        except (ValueError, TypeError, RecursionError, Permanent) as error:
            raise Misconfigured(
                f"{self.what} cannot be read", where=str(self.path), next_step="delete the file, make a new link"
            ) from error

    def replace(self, values: Sequence[T]) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(plain(tuple(values)), file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise Retryable(f"cannot keep {self.what}: {error.strerror}", next_step=f"check {self.path.parent}") from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self.path.with_name(self.path.name + ".lock").open("w")
        except OSError as error:
            raise Retryable(f"cannot lock {self.what}: {error.strerror}", next_step=f"check {self.path.parent}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file closes, also by kill -9
            yield
