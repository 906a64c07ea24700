"""What processes keep for each other in JSON files: written whole or not at all, read again when the file has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_whole(path: Path, raw: bytes) -> None:
    """For the one process that writes it."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(raw)
    fresh.replace(path)


class JsonFile:
    """For one process. A file that is missing, larger than `most` bytes or not JSON says nothing: None."""

    def __init__(self, path: Path, most: int) -> None:
        self._path, self._most = path, most
        self._stamp: tuple[int, int] = (0, 0)
        self.said: Any = None

    def changed(self) -> bool:
        """Whether `said` is another than at the last look."""
        try:
            found = self._path.stat()
            stamp = found.st_mtime_ns, found.st_size
            if stamp == self._stamp:
                return False
            said = json.loads(self._path.read_bytes()) if found.st_size <= self._most else None
        except (OSError, ValueError, RecursionError):
            stamp, said = (0, 0), None
        self._stamp, before, self.said = stamp, self.said, said
        return said is not None or before is not None
