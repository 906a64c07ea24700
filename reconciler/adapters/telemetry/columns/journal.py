"""Journal: the newest rows in the order in which they were told, appended before anyone hears that they are kept.

A frame is a length, a checksum and its rows by columns: number of the series, time, value. A journal declares the names of
its series where they first come, so it can be read alone. What was appended survives the death of the process; of a frame
that was cut off by it nobody has heard. Another process may read on while one writes: a frame that is not whole yet is
looked at again.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reconciler.adapters.telemetry.columns.values import Floats, Ints

_FRAME = struct.Struct("<II")  # length and CRC-32 of what follows
_COUNTS = struct.Struct("<II")  # bytes of names, rows

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """`series` counts the names of this journal from its beginning; `names` are those that this frame adds."""

    names: Sequence[Pair]
    series: NDArray[np.uint32]
    times: Ints
    values: Floats


class Journal:
    """`size` is how far it was read or written; bytes behind it are another's, or torn."""

    def __init__(self, path: Path, number: int, *, create: bool = False) -> None:
        self.path, self.number, self.size = path, number, 0
        self._file = os.open(path, os.O_RDWR | (os.O_CREAT | os.O_EXCL if create else 0), 0o600)

    def close(self) -> None:
        os.close(self._file)

    @property
    def behind(self) -> int:
        """Bytes that were not read yet; below zero when somebody cut what was."""
        return os.fstat(self._file).st_size - self.size

    @property
    def gone(self) -> bool:
        return os.fstat(self._file).st_nlink == 0

    def append(self, frame: Frame) -> None:
        """Whole or not at all."""
        names = json.dumps(frame.names).encode() if frame.names else b""
        parts = (frame.series.astype("<u4"), frame.times.astype("<i8"), frame.values.astype("<f8"))
        body = b"".join([_COUNTS.pack(len(names), len(frame.series)), names, *(part.tobytes() for part in parts)])
        told = _FRAME.pack(len(body), zlib.crc32(body)) + body
        wrote = os.pwrite(self._file, told, self.size)
        if wrote < len(told):
            os.ftruncate(self._file, self.size)
            raise OSError(errno.ENOSPC, f"wrote {wrote} of {len(told)} bytes", str(self.path))
        self.size += len(told)

    def read_on(self) -> Iterator[Frame]:
        """Whole frames from where the last one ended."""
        held = os.pread(self._file, max(self.behind, 0), self.size)
        at = 0
        while len(held) - at >= _FRAME.size:
            length, checksum = _FRAME.unpack_from(held, at)
            body = held[at + _FRAME.size : at + _FRAME.size + length]
            if len(body) < max(length, _COUNTS.size) or zlib.crc32(body) != checksum:
                return
            at += _FRAME.size + length
            self.size += _FRAME.size + length
            yield _frame(body)

    def cut(self) -> int:
        """Drops what is torn at the end; how many bytes. Only for who holds the lock: nobody else is writing."""
        torn = max(self.behind, 0)
        if torn:
            os.ftruncate(self._file, self.size)
        return torn


def _frame(body: bytes) -> Frame:
    named, rows = _COUNTS.unpack_from(body)
    at = _COUNTS.size + named
    names = [(str(c), str(m)) for c, m in json.loads(body[_COUNTS.size : at])] if named else []
    series = np.frombuffer(body, "<u4", rows, at)
    times = np.frombuffer(body, "<i8", rows, at + 4 * rows)
    return Frame(names, series, times, np.frombuffer(body, "<f8", rows, at + 12 * rows))
