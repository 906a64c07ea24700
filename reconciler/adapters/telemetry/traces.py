"""TraceSamples: calls that are worth a look in a tracing tool, in one small file beside the samples (`ports.telemetry.Traces`).

Written whole, in one step, by the process that takes spans in; read again by others when it has changed. A file that is none, or
holds what no call can be, is read as empty and written anew: it fills again within the hour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.adapters.jsonfile import JsonFile
from reconciler.analysis.traces import ID, KEPT_MS, operation_of, sampled
from reconciler.errors import Retryable
from reconciler.model.telemetry import TracedCall

MAX_FILE = 4 << 20
AHEAD_MS = 60_000  # clocks of senders
LONGEST_MS = 1e12
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class TraceSamples:
    """For one process; not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = JsonFile(path, MAX_FILE)
        self._calls: tuple[TracedCall, ...] = ()

    def keep(self, calls: Sequence[TracedCall], now_ms: int) -> None:
        """Also drops what is older than an hour."""
        self._look()
        fresh = [c for c in (*self._calls, *calls) if now_ms - KEPT_MS <= c.at_ms <= now_ms + AHEAD_MS]
        found = tuple(sampled(fresh))
        if found == self._calls:
            return
        rows = [[c.caller, c.callee, c.operation, c.trace, c.at_ms, round(c.duration_ms, 3), c.failed] for c in found]
        new = self._path.with_name(self._path.name + ".new")
        try:
            new.write_text(json.dumps(rows), encoding="ascii")
            new.replace(self._path)
        except OSError as error:
            raise Retryable(f"cannot keep traces in {self._path}: {error.strerror}", next_step="free space") from error

    def calls(self, start_ms: int, end_ms: int) -> Sequence[TracedCall]:
        self._look()
        return [call for call in self._calls if start_ms <= call.at_ms <= end_ms]

    def _look(self) -> None:
        if self._file.changed():
            self._calls = tuple(_read(self._file.said)) if isinstance(self._file.said, list) else ()


def _read(rows: Sequence[object]) -> Iterator[TracedCall]:
    for row in rows:
        match row:
            case [str(caller), str(callee), str(operation), str(trace), int(at), int() | float() as took, bool(failed)]:
                names = all(_NAME.fullmatch(name) for name in (caller, callee))
                if names and ID.fullmatch(trace) and 0 <= took < LONGEST_MS and 0 <= at < 1 << 53:
                    yield TracedCall(caller, callee, operation_of(operation), trace, at, float(took), failed)
