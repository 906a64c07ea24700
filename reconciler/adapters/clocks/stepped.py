"""SteppedClock: ms in a small text file, shared by all processes of one home folder.

In: `advance(ms)` from whoever plays time (demo, tests). Out: the same `now()` for the controller, the lab and the
CLI. The file is replaced by an atomic rename, so a reader sees the old value or the new one and never half of one;
writers take turns under a lock file. Invariant: the value never goes back, neither in the file nor for a reader.
`wall()` stays the machine's wall clock: leases end by it even while the stepped time stands still.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.adapters.clocks.system import SystemClock
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.records import Stamp

MAX_MS = 1 << 53  # what every JSON reader holds exactly; 285,000 years


class SteppedClock:
    """A clock that moves only by `advance`. The file is made with `start_ms` when it does not exist yet."""

    def __init__(self, path: Path | str, start_ms: int = 0) -> None:
        self._path = Path(path)
        self._wall = SystemClock()
        self._last = 0
        self._guard = threading.Lock()
        if not self._path.exists():
            self._create(start_ms)
        self.now()

    def now(self) -> int:
        with self._guard:
            self._last = max(self._last, self._stored())
            return self._last

    def wall(self) -> int:
        return self._wall.wall()

    def stamp(self) -> Stamp:
        return Stamp(clock_ms=self.now(), wall_ms=self.wall())

    def advance(self, ms: int) -> int:
        """Moves the clock on for every process; the new value."""
        if ms < 0:
            raise Permanent(f"cannot advance {self._path} by {ms} ms: a clock never goes back", next_step="give a positive step")
        with self._exclusive():
            value = max(self._stored(), self._last) + ms
            self._replace(value)
        return self.now()

    def _create(self, start_ms: int) -> None:
        with self._exclusive():
            if not self._path.exists():  # another process may have been first
                self._replace(start_ms)

    def _stored(self) -> int:
        try:
            text = self._path.read_bytes()
        except OSError as error:
            raise Retryable(f"cannot read the clock file {self._path}: {error.strerror}", next_step="check HOME") from error
        if not (text.strip().isdigit() and len(text) <= 20 and int(text) <= MAX_MS):
            where = str(self._path)
            raise Misconfigured("the clock file holds no number of ms", where=where, next_step="restore it or delete it")
        return int(text)

    def _replace(self, value: int) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            fresh.write_text(f"{value}\n", encoding="ascii")
            os.replace(fresh, self._path)  # noqa: PTH105 - named for what matters: atomic
        except OSError as error:
            raise Retryable(
                f"cannot write the clock file {self._path}: {error.strerror}", next_step="free space in HOME"
            ) from error

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        try:
            lock = self._path.with_name(self._path.name + ".lock").open("w")
        except OSError as error:
            raise Retryable(f"cannot lock the clock file {self._path}: {error.strerror}", next_step="check HOME") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file closes, also by kill -9
            yield
