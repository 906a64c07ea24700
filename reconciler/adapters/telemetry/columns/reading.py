"""Reads over blocks and the head: one series, or many at once as arrays (as steps of time: `tally`).

Sources come in the order in which they were written. Nearly always each has what is later than everything in the sources
before it, for every series on its own; then pieces are joined, and steps are taken from packed matrices or from what a row
keeps of itself. A series of which a later source has earlier or equal times (late, sent again, or written over) is merged
sample by sample instead; the last value told for a time counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reconciler.adapters.telemetry.columns.head import END_OF_TIME, TIME_BITS, Head, key, sorted_once
from reconciler.adapters.telemetry.columns.values import Floats, Ints

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.columns.block import Block

_ROWS_A_GROUP = 8  # fewer are not worth a matrix

Bools = NDArray[np.bool_]
Samples = tuple[Ints, Floats]


class Known:
    """A block of which this process knows the series: row i is the series `series[i]`."""

    def __init__(self, block: Block, series: Ints) -> None:
        self.block, self.series = block, series
        self._order = np.argsort(series)
        self._sorted = series[self._order]

    def read(self, series: int, start_ms: int, end_ms: int) -> Samples | None:
        """Of one series in [start, end]; None when there is nothing."""
        at = int(np.searchsorted(self._sorted, series))
        if at == len(self._sorted) or self._sorted[at] != series:
            return None
        row = int(self._order[at])
        times = self.block.axis(int(self.block.rows["axis"][row]))
        low, high = np.searchsorted(times, start_ms), np.searchsorted(times, end_ms, side="right")
        if low == high:
            return None
        return times[low:high], self.block.unpacked(self.block.packed(row, row + 1), row, row + 1)[0, low:high]

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        return self.block.start_ms <= end_ms and self.block.end_ms >= start_ms

    @property
    def scattered(self) -> bool:
        """Hardly any rows share their times: they are cheaper to read as samples than as matrices."""
        return len(self.block.groups) * _ROWS_A_GROUP > len(self.series)

    def samples(self, wanted: Bools) -> Samples:
        """Keys and values of the wanted, series by series in no order, each in time."""
        rows = np.flatnonzero(wanted[self.series])
        times, values = self.block.flat(rows)
        return key(np.repeat(self.series[rows], self.block.count[rows]), times), values

    def runs(self, wanted: Bools) -> Iterator[tuple[int, int, int]]:
        """(first row, end, axis) of wanted rows that lie side by side in one group."""
        chosen = wanted[self.series]
        for a, b, axis in self.block.groups:
            edges = np.flatnonzero(np.diff(chosen[a:b].astype(np.int8), prepend=0, append=0)) + a
            for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
                yield low, high, axis


def one(blocks: Sequence[Known], head: Head, series: int, start_ms: int, end_ms: int) -> Samples:
    found = [b.read(series, start_ms, end_ms) for b in blocks if b.overlaps(start_ms, end_ms)]
    return joined([piece for piece in (*found, head.read(series, start_ms, end_ms)) if piece is not None])


def many(blocks: Sequence[Known], head: Head, wanted: Bools, start_ms: int, end_ms: int) -> dict[int, Samples]:
    """By series; those without a sample in [start, end] are left out."""
    pieces: dict[int, list[Samples]] = {}
    for known in blocks:
        if not known.overlaps(start_ms, end_ms):
            continue
        if known.scattered:
            for series, piece in _split(*known.samples(wanted), start_ms, end_ms):
                pieces.setdefault(series, []).append(piece)
            continue
        for a, b, axis in known.runs(wanted):
            times = known.block.axis(axis)
            low, high = np.searchsorted(times, start_ms), np.searchsorted(times, end_ms, side="right")
            if low < high:
                values = known.block.unpacked(known.block.packed(a, b), a, b)[:, low:high]
                for series, row in zip(known.series[a:b].tolist(), values, strict=True):
                    pieces.setdefault(series, []).append((times[low:high], row))
    latest = head.read_many(np.flatnonzero(wanted), start_ms, end_ms)
    for series, found in pieces.items():
        if series in latest:
            found.append(latest[series])
        latest[series] = joined(found)
    return latest


def _split(keys: Ints, values: Floats, start_ms: int, end_ms: int) -> Iterator[tuple[int, Samples]]:
    times = keys & END_OF_TIME
    within = (times >= start_ms) & (times <= end_ms)
    series, times, values = keys[within] >> TIME_BITS, times[within], values[within]
    begins = np.flatnonzero(np.diff(series, prepend=-1))
    for a, b in itertools.pairwise([*begins.tolist(), len(series)]):
        yield int(series[a]), (times[a:b], values[a:b])


def joined(pieces: Sequence[Samples]) -> Samples:
    """New arrays, in time; of one time the last told."""
    if not pieces:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    if len(pieces) == 1:  # in time already
        return pieces[0][0].copy(), pieces[0][1].copy()
    return sorted_once(np.concatenate([times for times, _ in pieces]), np.concatenate([values for _, values in pieces]))


def crossed(blocks: Sequence[Known], head: Head, series: int) -> Bools:
    """Which of `series` series have a source with times that are not later than all before it."""
    newest, found = np.full(series, -1, np.int64), np.zeros(series, np.bool_)
    for rows, first, last in _spans(blocks, head):
        found[rows] |= first <= newest[rows]
        newest[rows] = np.maximum(newest[rows], last)
    return found


def latest(blocks: Sequence[Known], head: Head, series: int) -> Ints:
    """The newest time of each series; -1 without samples."""
    newest: Ints = np.full(series, -1, np.int64)
    for rows, _, last in _spans(blocks, head):
        newest[rows] = np.maximum(newest[rows], last)
    return newest


def newest_until(blocks: Sequence[Known], head: Head, end_ms: int) -> int:
    """The newest time that is not later than this; 0 without any."""
    found = [head.keys & END_OF_TIME]
    for block in (known.block for known in blocks):
        if block.end_ms <= end_ms:
            found.append(np.array([block.end_ms]))
        elif block.start_ms <= end_ms:
            found += [block.axis(axis) for _, _, axis in block.groups]
    return max(int(times[times <= end_ms].max(initial=0)) for times in found)


def _spans(blocks: Sequence[Known], head: Head) -> Iterator[tuple[Ints, Ints, Ints]]:
    """The series of each source with their first and last times."""
    for known in blocks:
        yield known.series, known.block.first, known.block.last
    if len(head):
        series, starts = head.rows()
        ends = np.append(starts[1:], len(head)) - 1
        yield series, head.keys[starts] & END_OF_TIME, head.keys[ends] & END_OF_TIME
