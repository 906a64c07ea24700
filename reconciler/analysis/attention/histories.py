"""Histories: the newest samples of every series in arrays, and what is usual in them.

A ring of samples a series; the median, the spread and the usual step are worked out for one part of the series at a look, in
turn, so that no look pays for all of them. Samples that are none, or come late, twice or from the future, change nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KEPT: Final = 48  # samples of a series: twelve minutes at one in 15 s
ENOUGH: Final = 8  # samples before anything is called unusual
PARTS: Final = 8  # looks in which every series is worked out once: two minutes
SMALLEST: Final = 0.005  # of the level: less is no difference, however quiet the series is
AHEAD_MS: Final = 1_000  # clocks may run ahead this far


class Histories:
    """Rows are series; arrays grow in chunks and never shrink."""

    def __init__(self) -> None:
        self.rows = 0
        self._part = 0
        self._ring = np.empty((0, KEPT))
        self._next = np.empty(0, np.int64)
        self.count = np.empty(0, np.int64)
        self.time = np.empty(0, np.int64)  # of the newest sample, 0 when there is none
        self.value, self.before, self.level, self.scale, self.step, self.period, self.least = (np.empty(0) for _ in range(7))

    def enlist(self, least: Floats, period_ms: Floats) -> Ints:
        """New rows; the smallest difference that means anything in each, and how often each is sampled (0: is learnt)."""
        first, self.rows = self.rows, self.rows + len(least)
        if self.rows > len(self.count):
            self._grow(max(self.rows, 2 * len(self.count)))
        rows = np.arange(first, self.rows)
        self.least[rows], self.period[rows] = least, period_ms
        return rows

    def note(self, rows: Ints, times: Ints, values: Floats, now_ms: int) -> None:
        """Takes in at most one new sample a row, the newest."""
        good = np.isfinite(values) & (times > self.time[rows]) & (times <= now_ms + AHEAD_MS)
        rows, times, values = rows[good], times[good], values[good]
        if len(rows) > 1 and not (np.diff(rows) > 0).all():
            order = np.lexsort((times, rows))
            last = np.append(np.diff(rows[order]) > 0, True)
            rows, times, values = rows[order][last], times[order][last], values[order][last]
        known = self.count[rows] > 0
        apart = np.where(known, times - self.time[rows], 0.0)
        usual = self.period[rows]
        learnt = np.where(usual > 0.0, usual + 0.1 * (np.minimum(apart, 4.0 * usual) - usual), apart)
        self.period[rows] = np.where(known, learnt, usual)
        self.before[rows] = np.where(known, self.value[rows], np.nan)
        self.time[rows], self.value[rows] = times, values
        self._ring[rows, self._next[rows]] = values
        self._next[rows] = (self._next[rows] + 1) % KEPT
        self.count[rows] += 1

    def pass_over(self, resting: NDArray[np.bool_], now_ms: int) -> None:
        """What these rows do until now is not taken in later either, and nobody waits for it."""
        rows = np.flatnonzero(resting & (self.count[: self.rows] > 0))
        self.time[rows] = np.maximum(self.time[rows], now_ms)

    def learn(self) -> None:
        """What is usual, for the next part of the rows."""
        size = -(-self.rows // PARTS)
        low, high = self._part * size, min((self._part + 1) * size, self.rows)
        self._part = (self._part + 1) % PARTS
        if low >= high:
            return
        ring = self._ring[low:high]
        held = np.minimum(self.count[low:high], KEPT)
        level = _median(np.sort(ring, axis=1), held)
        away = np.sort(np.abs(ring - level[:, None]), axis=1)
        # Of a normal series both are its standard deviation; the second also sees what moves in a fifth of the samples only.
        usual = np.maximum(1.4826 * _median(away, held), 0.7803 * _at(away, (4 * held - 1) // 5))
        least = np.maximum(np.maximum(SMALLEST * np.abs(level), self.least[low:high]), np.finfo(float).tiny)
        least = np.maximum(least, 0.5 * _smallest(away, least))  # whole numbers: one more than usual is no news
        known = held >= ENOUGH
        self.level[low:high] = np.where(known, level, np.nan)
        self.scale[low:high] = np.where(known, np.maximum(usual, least), np.nan)
        steps = np.abs(np.diff(ring, axis=1))
        seam = self._next[low:high] - 1  # between the newest sample and the oldest is no step
        inside = (seam >= 0) & (seam < KEPT - 1)
        steps[np.flatnonzero(inside), seam[inside]] = np.nan
        counted = np.count_nonzero(np.isfinite(steps), axis=1)
        self.step[low:high] = np.maximum(1.4826 * _median(np.sort(steps, axis=1), counted), 0.5 * self.scale[low:high])

    def deviation(self) -> tuple[Floats, Floats]:
        """Of every row's newest sample: how far it lies from the usual level, and how far it went in one step. NaN: not known."""
        rows = slice(0, self.rows)
        moved = self.value[rows] - self.before[rows]
        return (self.value[rows] - self.level[rows]) / self.scale[rows], moved / self.step[rows]

    def lateness(self, now_ms: int) -> Floats:
        """In periods since the newest sample; 0 where nobody knows how often one should come."""
        rows = slice(0, self.rows)
        known = (self.count[rows] > 0) & (self.period[rows] > 0.0)
        return np.where(known, (now_ms - self.time[rows]) / np.where(known, self.period[rows], 1.0), 0.0)

    def _grow(self, size: int) -> None:
        more = size - len(self.count)
        self._ring = np.concatenate((self._ring, np.full((more, KEPT), np.nan)))
        for name in ("_next", "count", "time"):
            setattr(self, name, np.concatenate((getattr(self, name), np.zeros(more, np.int64))))
        for name in ("value", "before", "level", "scale", "step", "period", "least"):
            setattr(self, name, np.concatenate((getattr(self, name), np.full(more, np.nan))))


def _median(ordered: Floats, held: Ints) -> Floats:
    """Of the `held` numbers of each row; the others are NaN, which sort last."""
    return 0.5 * _at(ordered, (held - 1) // 2) + 0.5 * _at(ordered, held // 2)


def _smallest(ordered: Floats, least: Floats) -> Floats:
    """The smallest of each row that is more than `least`, 0 where there is none."""
    more = np.where(ordered > least[:, None], ordered, np.inf).min(axis=1)
    return np.where(np.isfinite(more), more, 0.0)


def _at(ordered: Floats, place: Ints) -> Floats:
    return np.asarray(ordered[np.arange(len(ordered)), np.clip(place, 0, ordered.shape[1] - 1)])
