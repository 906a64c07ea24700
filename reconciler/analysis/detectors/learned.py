"""LearnedFile: what another process learned and keeps in a file, read again when the file has changed.

A file that is missing, broken or of another release says nothing: it will be written anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class LearnedFile(Generic[T]):
    """`loaded` makes of its bytes what it holds, None for nothing of use; ValueError for what cannot be read."""

    def __init__(self, file: Path, loaded: Callable[[bytes], T | None]) -> None:
        self._file, self._loaded = file, loaded
        self._seen: tuple[int, int] = (0, 0)
        self._held: T | None = None
        self.stamp = ""  # which one it is, for the settings of a detector

    def current(self) -> T | None:
        try:
            found = self._file.stat()
            seen = (found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                raw = self._file.read_bytes()
                self._held, self._seen = self._loaded(raw), seen
                self.stamp = hashlib.blake2b(raw, digest_size=8).hexdigest() if self._held is not None else ""
        except (OSError, ValueError):
            self._held, self._seen, self.stamp = None, (0, 0), ""
        return self._held
