"""Block: rows of many series over a stretch of time, sealed: written once, checked when opened, then read in place.

Series that were sampled at the same times share one axis, and rows of one axis and one width of value lie side by side:
a scrape of 500 series is one axis and a few matrices, and reads decode matrices, not series. Every row keeps its least,
greatest, sum and last value, so that a step that holds the whole row needs no values. File: magic, CRC-32 of the rest,
counts, names, table of rows, table of axes, filler, axes, values. The checksum is checked once, when the block is opened.
"""

from __future__ import annotations

import itertools
import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconciler.adapters.telemetry.columns.journal import Pair
from reconciler.adapters.telemetry.columns.values import AS_IT_IS, DTYPES, Floats, Held, Ints, pack, packing, unpack

_MAGIC = b"hcolumn1"
_HEAD = struct.Struct("<8sIIII")  # magic, CRC-32 of what follows it, bytes of names, rows, axes
_ROW = np.dtype([
    ("axis", "<u4"), ("width", "u1"), ("digits", "i1"), ("offset", "<u8"), ("base", "<f8"),
    ("low", "<f8"), ("high", "<f8"), ("total", "<f8"), ("last", "<f8"),
])  # fmt: skip
_AXIS = np.dtype([
    ("offset", "<u8"), ("count", "<u4"), ("width", "u1"), ("first", "<i8"), ("last", "<i8"), ("step", "<i8"),
])  # fmt: skip
_STEPS = {0: 0, 1: 0xFF, 2: 0xFFFF, 4: 0xFFFF_FFFF}
_CHUNK = 1 << 20
_ALIGN = 8  # what columns begin at a multiple of, so that all of a width can be read as one
_AXES_HELD = 64  # decoded axes of a block that are kept


class Damaged(Exception):
    """A file is not what was sealed."""


class Block:
    """`groups` are (first row, end, axis): rows that decode as one matrix."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number = path, number
        self._file = os.open(path, os.O_RDONLY)
        try:
            self._open()
        except (Damaged, ValueError, struct.error) as error:
            os.close(self._file)
            raise Damaged(f"{path.name}: {error}") from error
        self._times: dict[int, Ints] = {}

    def _open(self) -> None:
        head = os.pread(self._file, _HEAD.size, 0)
        if len(head) < _HEAD.size:
            raise Damaged("shorter than its head")
        magic, checksum, named, rows, axes = _HEAD.unpack(head)
        self.size, found = _HEAD.size, zlib.crc32(head[12:])
        while part := os.pread(self._file, _CHUNK, self.size):
            found, self.size = zlib.crc32(part, found), self.size + len(part)
        if magic != _MAGIC or found != checksum:
            raise Damaged("the checksum is another")
        self._named, at = named, _HEAD.size + named
        self.rows = np.frombuffer(self._read(rows * _ROW.itemsize, at), _ROW, rows)
        self._axes = np.frombuffer(self._read(axes * _AXIS.itemsize, at + rows * _ROW.itemsize), _AXIS, axes)
        of_row = self.rows["axis"].astype(np.intp)
        self.first, self.last = (self._axes[name][of_row].astype(np.int64) for name in ("first", "last"))
        self.count = self._axes["count"][of_row].astype(np.int64)
        self.start_ms, self.end_ms = int(self.first.min()), int(self.last.max())
        self.groups = [(a, b, int(self.rows["axis"][a])) for a, b in _groups(self.rows)]

    def close(self) -> None:
        os.close(self._file)

    def names(self) -> Sequence[Pair]:
        """By row."""
        return [(c, m) for c, m in json.loads(zlib.decompress(self._read(self._named, _HEAD.size)))]

    def axis(self, number: int) -> Ints:
        """Times, ascending; not to be changed."""
        if number not in self._times:
            if len(self._times) >= _AXES_HELD:
                self._times.clear()
            self._times[number] = self._decoded(self._axes[number])
        return self._times[number]

    def packed(self, row: int, end: int) -> Held:
        """Rows of one group as they are held, one in each line."""
        about = self.rows[row]
        width, count = int(about["width"]), int(self.count[row])
        if width == 0:
            return np.zeros((end - row, count), DTYPES[0])
        held = self._read((end - row) * count * width, int(about["offset"]))
        matrix: Held = np.frombuffer(held, DTYPES[width]).reshape(end - row, count)
        return matrix

    def unpacked(self, packed: Held, row: int, end: int) -> Floats:
        held = self.rows[row:end]
        return unpack(packed, int(held["width"][0]), held["digits"], held["base"])

    def scale(self, totals: Floats, counts: Ints, row: int, end: int) -> Floats:
        """Sums of values out of sums of what is held, `counts` at a time."""
        held = self.rows[row:end]
        if held["width"][0] == AS_IT_IS:
            return totals
        shifted: Floats = (totals + held["base"][:, None] * counts) / 10.0 ** held["digits"].astype(np.float64)[:, None]
        return shifted

    def flat(self, rows: NDArray[np.intp]) -> tuple[Ints, Floats]:
        """Times and values of these rows, one row after the other: for many rows that share their times with few."""
        held = self._read(self.size, 0)
        raw = np.frombuffer(held + bytes(-len(held) % _ALIGN), np.uint8)
        table, counts = self.rows[rows], self.count[rows]
        axes, starts = self._axes[table["axis"]], np.cumsum(counts) - counts
        values, steps = np.zeros(int(counts.sum())), np.repeat(axes["step"], counts)
        later = np.ones(len(values), np.bool_)  # than the first of its row
        later[starts] = False
        for width in DTYPES:
            if width and (mine := table["width"] == width).any():
                values[np.repeat(mine, counts)] = _gathered(raw, DTYPES[width], table["offset"][mine], counts[mine])
            if width and (mine := axes["width"] == width).any():
                told = _gathered(raw, np.dtype(f"<u{width}"), axes["offset"][mine], counts[mine] - 1)
                steps[later & np.repeat(mine, counts)] += told.astype(np.int64)
        steps[starts] = axes["first"] - np.append(0, axes["last"][:-1])  # one sum over all rows gives every row its times
        shortened = table["width"] != AS_IT_IS
        values[np.repeat(shortened, counts)] += np.repeat(table["base"][shortened], counts[shortened])
        values /= np.repeat(10.0 ** table["digits"].astype(np.float64), counts)
        return np.cumsum(steps), values

    def _read(self, size: int, offset: int) -> bytes:
        held = os.pread(self._file, size, offset)
        if len(held) < size:
            raise Damaged(f"{self.path.name}: cut short while it was in use")
        return held

    def _decoded(self, about: Any) -> Ints:
        count, width = int(about["count"]), int(about["width"])
        steps = np.full(count, about["step"], np.int64)
        if width:
            held = self._read((count - 1) * width, int(about["offset"]))
            steps[1:] += np.frombuffer(held, f"<u{width}").astype(np.int64)
        steps[0] = about["first"]
        times: Ints = np.cumsum(steps)
        times.setflags(write=False)
        return times


def seal(path: Path, names: Sequence[Pair], starts: Ints, times: Ints, values: Floats) -> None:
    """Writes a block of series i: samples starts[i] to starts[i + 1], ascending in time, finite, not empty."""
    counts = np.diff(np.append(starts, len(times)))
    held = packing(values, starts)
    axis_of, axes = _shared(starts, counts, times)
    order = np.lexsort((held.width, axis_of))
    table = np.zeros(len(names), _ROW)
    for field, column in (("axis", axis_of), ("width", held.width), ("digits", held.digits), ("base", held.base)):
        table[field] = column[order]
    table["low"], table["high"] = np.minimum.reduceat(values, starts)[order], np.maximum.reduceat(values, starts)[order]
    with np.errstate(over="ignore"):
        table["total"] = np.add.reduceat(values, starts)[order]
    table["last"] = values[starts + counts - 1][order]
    told = zlib.compress(json.dumps([names[row] for row in order]).encode(), 1)
    at = _HEAD.size + len(told) + table.nbytes + len(axes) * _AXIS.itemsize
    filler = bytes(-at % _ALIGN)
    at += len(filler)
    about, steps = _axes_table(axes, at)
    at += sum(map(len, steps))
    parts = []
    for a, b in _groups(table):
        table["offset"][a:b] = at
        rows = order[a:b]
        matrix = values[starts[rows][:, None] + np.arange(counts[rows[0]])]
        held_as = pack(matrix, int(table["width"][a]), table["digits"][a:b], table["base"][a:b])
        table["offset"][a:b] += np.arange(b - a, dtype=np.uint64) * np.uint64(len(held_as) // (b - a))
        parts.append(held_as + bytes(-len(held_as) % _ALIGN))
        at += len(parts[-1])
    body = b"".join([told, table.tobytes(), about.tobytes(), filler, *steps, *parts])
    counted = struct.pack("<III", len(told), len(table), len(axes))
    path.write_bytes(b"".join([_MAGIC, struct.pack("<I", zlib.crc32(body, zlib.crc32(counted))), counted, body]))


def _shared(starts: Ints, counts: Ints, times: Ints) -> tuple[NDArray[np.intp], list[Ints]]:
    """Which axis each row has, and the axes."""
    known: dict[bytes, int] = {}
    axes: list[Ints] = []
    which = np.empty(len(starts), np.intp)
    for row, (start, count) in enumerate(zip(starts.tolist(), counts.tolist(), strict=True)):
        axis = times[start : start + count]
        number = known.setdefault(axis.tobytes(), len(axes))
        if number == len(axes):
            axes.append(axis)
        which[row] = number
    return which, axes


def _axes_table(axes: Sequence[Ints], at: int) -> tuple[NDArray[Any], list[bytes]]:
    table, parts = np.zeros(len(axes), _AXIS), []
    for row, axis in enumerate(axes):
        steps = np.diff(axis)
        least = int(steps.min()) if len(steps) else 0
        most = int(steps.max()) - least if len(steps) else 0
        width = next((w for w, bound in _STEPS.items() if most <= bound), 8)
        held = (steps - least).astype(f"<u{width}").tobytes() if width else b""
        parts.append(held + bytes(-len(held) % _ALIGN))
        table[row] = (at, len(axis), width, axis[0], axis[-1], least)
        at += len(parts[-1])
    return table, parts


def _groups(table: NDArray[Any]) -> Iterator[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(table["axis"].astype(np.int64) * 16 + table["width"])) + 1).tolist(), len(table)]
    return itertools.pairwise(edges)


def _gathered(raw: NDArray[np.uint8], dtype: np.dtype[Any], offsets: NDArray[Any], counts: Ints) -> Held:
    """Stretches of a file, one after the other."""
    first = offsets.astype(np.int64) // dtype.itemsize - (np.cumsum(counts) - counts)
    found: Held = raw.view(dtype)[np.repeat(first, counts) + np.arange(counts.sum())]
    return found
