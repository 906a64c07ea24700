"""Head: the samples that are in no block yet, sorted by series and time, the last one told for a time alone.

Series and time are one whole number each (`key`): sorting, merging and looking up are one operation on one column.
"""

from __future__ import annotations

import numpy as np

from reconciler.adapters.telemetry.columns.values import Floats, Ints

TIME_BITS = 42  # milliseconds until the year 2109
END_OF_TIME = (1 << TIME_BITS) - 1
MOST_SERIES = 1 << (63 - TIME_BITS)
_FEW = 16  # a batch of a sixteenth of what is there is put between it, a larger one sorted with it


def key(series: Ints, times: Ints) -> Ints:
    return (series << TIME_BITS) | times


def sorted_once(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    """By key; of one key the last value given."""
    if len(keys) > 1 and not (keys[1:] > keys[:-1]).all():
        order = np.argsort(keys, kind="stable")
        keys, values = keys[order], values[order]
        kept = np.append(keys[1:] != keys[:-1], True)
        keys, values = keys[kept], values[kept]
    return keys, values


class Head:
    def __init__(self) -> None:
        self.keys: Ints = np.empty(0, np.int64)
        self.values: Floats = np.empty(0, np.float64)

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, keys: Ints, values: Floats) -> None:
        """In any order; what is there already is written over."""
        keys, values = sorted_once(keys, values)
        if len(keys) * _FEW > len(self.keys):
            self.keys, self.values = sorted_once(np.append(self.keys, keys), np.append(self.values, values))
            return
        at = np.searchsorted(self.keys, keys)
        there = self.keys[np.minimum(at, len(self.keys) - 1)] == keys
        self.values[at[there]] = values[there]
        new = ~there
        self.keys, self.values = np.insert(self.keys, at[new], keys[new]), np.insert(self.values, at[new], values[new])

    def read(self, series: int, start_ms: int, end_ms: int) -> tuple[Ints, Floats]:
        """Of one series in [start, end]."""
        first = series << TIME_BITS
        low, high = self.keys.searchsorted((first | start_ms, (first | end_ms) + 1))  # once: who diagnoses asks for every series
        return self.keys[low:high] & END_OF_TIME, self.values[low:high]

    def read_many(self, series: Ints, start_ms: int, end_ms: int) -> dict[int, tuple[Ints, Floats]]:
        """Of those of these series that have samples in [start, end]; the arrays are the reader's."""
        first = series << TIME_BITS
        lows = np.searchsorted(self.keys, first | start_ms)
        counts = np.searchsorted(self.keys, first | end_ms, side="right") - lows
        held = np.flatnonzero(counts > 0)
        lows, counts = lows[held], counts[held]
        ends = np.cumsum(counts)
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(lows - (ends - counts), counts)
        times, values = self.keys[at] & END_OF_TIME, self.values[at]
        bounds = zip(series[held].tolist(), (ends - counts).tolist(), ends.tolist(), strict=True)
        return {number: (times[a:b], values[a:b]) for number, a, b in bounds}

    def rows(self) -> tuple[Ints, Ints]:
        """The series that have samples, and where each begins."""
        starts = np.flatnonzero(np.diff(self.keys >> TIME_BITS, prepend=-1))
        return self.keys[starts] >> TIME_BITS, starts
