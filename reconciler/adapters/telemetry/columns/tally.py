"""Steps of time over blocks and the head: count, least, most, sum and last of every series in every step.

A row that lies within one step gives what it keeps of itself; other rows are summed up as they are held, and only what
comes out is unpacked. Series whose sources cross in time are merged sample by sample first (see `reading`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reconciler.adapters.telemetry.columns.head import END_OF_TIME, TIME_BITS, Head, key
from reconciler.adapters.telemetry.columns.reading import Bools, Known, crossed, many
from reconciler.adapters.telemetry.columns.values import Floats, Held, Ints
from reconciler.model.telemetry import Grid

_LINES, _FEW = 128, 24  # turning is cheaper from so many rows on, and up to so many values a step

Where = tuple[slice, slice] | tuple[Ints, Ints]  # rows and steps


class Tally:
    """Rows are the wanted series in the order of their numbers. Of each series, what is told later is later in time."""

    def __init__(self, wanted: Bools, start_ms: int, end_ms: int, step_ms: int) -> None:
        self.times: Ints = np.arange(start_ms, end_ms, step_ms, dtype=np.int64)
        self._row = np.cumsum(wanted) - 1
        self._start, self._end, self._step = start_ms, end_ms, step_ms
        shape = (int(np.count_nonzero(wanted)), len(self.times))
        self.count = np.zeros(shape, np.int64)
        self.low, self.high = np.full(shape, np.inf), np.full(shape, -np.inf)
        self.total, self.last = np.zeros(shape), np.full(shape, np.nan)

    def grid(self, pairs: Sequence[tuple[str, str]], series: Ints) -> Grid:
        """Those of these series that have samples; the tally is used up. A mean lies within the least and the most, whatever the
        sum was rounded to.
        """
        rows, told = self._row[series], np.flatnonzero(self.count.any(axis=1))
        held = np.isin(rows, told)
        rows, count = rows[held], self.count[rows[held]]
        spare, ordered = np.empty_like(self.low), list[Floats]()
        for source in (self.low, self.high, self.total, self.last):  # each into the memory of the one before: new memory is slow
            ordered.append(np.take(source, rows, axis=0, out=spare[: len(rows)], mode="clip"))
            spare = source
        low, high, mean, last = ordered
        with np.errstate(invalid="ignore", over="ignore"):
            mean /= count
        np.clip(mean, low, high, out=mean)
        np.copyto(low, np.nan, where=count == 0)
        np.copyto(high, np.nan, where=count == 0)
        return Grid(tuple(pairs[number] for number in series[held].tolist()), self.times, count, low, high, mean, last)

    def add_block(self, known: Known, wanted: Bools) -> None:
        if not known.overlaps(self._start, self._end - 1):
            return
        if known.scattered:
            self.add_samples(*known.samples(wanted))
            return
        for a, b, axis in known.runs(wanted):
            times = known.block.axis(axis)
            low, high = np.searchsorted(times, (self._start, self._end))
            if low == high:
                continue
            steps = (times[low:high] - self._start) // self._step
            begins = np.flatnonzero(np.diff(steps, prepend=-1))
            where = _where(self._row[known.series[a:b]], steps[begins])
            if len(begins) == 1 and high - low == len(times):
                self._add_rows(known, where, a, b)
            else:
                self._add_matrix(known, where, a, b, begins + low, int(high))

    def add_samples(self, keys: Ints, values: Floats) -> None:
        """Series by series, each in time, of any series and time."""
        times = keys & END_OF_TIME
        chosen = (times >= self._start) & (times < self._end)
        if not chosen.any():
            return
        series, times, values = keys[chosen] >> TIME_BITS, times[chosen], values[chosen]
        cells = self._row[series] * len(self.times) + (times - self._start) // self._step
        begins = np.flatnonzero(np.diff(cells, prepend=-1))
        counts = np.diff(np.append(begins, len(cells)))
        with np.errstate(over="ignore"):
            total = np.add.reduceat(values, begins)
        low, high = np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)
        self._put(np.divmod(cells[begins], len(self.times)), counts, low, high, total, values[begins + counts - 1])

    def _add_rows(self, known: Known, where: Where, a: int, b: int) -> None:
        rows = known.block.rows[a:b]
        low, high, total, last = (rows[name][:, None] for name in ("low", "high", "total", "last"))
        self._put(where, known.block.count[a:b, None], low, high, total, last)

    def _add_matrix(self, known: Known, where: Where, a: int, b: int, begins: Ints, end: int) -> None:
        block, first = known.block, int(begins[0])
        held, begins = block.packed(a, b)[:, first:end], begins - first
        counts = np.diff(np.append(begins, end - first))
        with np.errstate(over="ignore"):
            *ends, sums = _summed_up(held, begins, counts)
            total = block.scale(sums, counts, a, b)
        low, high, last = (block.unpacked(part, a, b) for part in ends)
        self._put(where, counts[None, :], low, high, total, last)

    def _put(self, where: Where, count: Ints, low: Floats, high: Floats, total: Floats, last: Floats) -> None:
        """Every cell is told once a call."""
        least, most = self.low[where], self.high[where]  # a view of slices, which is written in place
        self.count[where] += count
        self.low[where] = np.minimum(least, low, out=least)
        self.high[where] = np.maximum(most, high, out=most)
        with np.errstate(over="ignore"):
            self.total[where] += total
        self.last[where] = last


def _summed_up(held: Held, begins: Ints, counts: Ints) -> tuple[Held, Held, Held, Floats]:
    """Least, greatest, last and sum of every step, as they are held.

    Where a step has few values, numpy spends more on each stretch of them than on the values. So many rows are turned first:
    then a step is a few lines of memory, which are taken together as wide as they are.
    """
    if len(held) < _LINES or held.shape[1] > _FEW * len(begins):
        sums: Floats = np.add.reduceat(held.astype(np.float64), begins, axis=1)
        low, high = np.minimum.reduceat(held, begins, axis=1), np.maximum.reduceat(held, begins, axis=1)
        return low, high, held[:, begins + counts - 1], sums
    turned = np.ascontiguousarray(held.T)
    low, high = (np.empty((len(begins), len(held)), held.dtype) for _ in range(2))
    sums = np.empty(low.shape)
    for step, (begin, count) in enumerate(zip(begins.tolist(), counts.tolist(), strict=True)):
        lines = turned[begin : begin + count]
        np.minimum.reduce(lines, axis=0, out=low[step])
        np.maximum.reduce(lines, axis=0, out=high[step])
        np.add.reduce(lines, axis=0, out=sums[step])
    back = np.ascontiguousarray
    return back(low.T), back(high.T), back(turned[begins + counts - 1].T), back(sums.T)


def _where(rows: Ints, steps: Ints) -> Where:
    """Where they cross; as slices, which cost no copy, when both are without a gap."""
    if (np.diff(rows) == 1).all() and (np.diff(steps) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(steps[0]), int(steps[-1]) + 1)
    return rows[:, None], steps[None, :]


def tally(blocks: Sequence[Known], head: Head, wanted: Bools, start_ms: int, end_ms: int, step_ms: int) -> Tally:
    """Steps of [start + k * step, + step) over [start, end)."""
    made = Tally(wanted, start_ms, end_ms, step_ms)
    across = crossed(blocks, head, len(wanted)) & wanted
    plain = wanted & ~across
    for known in blocks:
        made.add_block(known, plain)
    own = plain[head.keys >> TIME_BITS]
    made.add_samples(head.keys[own], head.values[own])
    for series, (times, values) in sorted(many(blocks, head, across, start_ms, end_ms - 1).items()):
        made.add_samples(key(np.full(len(times), series, np.int64), times), values)
    return made
