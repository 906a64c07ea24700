"""Samples as they come, on a grid of one minute: the mean of each minute, short gaps filled with the last value.

Order, duplicates and irregular steps of the samples do not matter; NaN, infinities and values beyond 1e15 are gaps.
A row stands for the minute that ends with it. A gap longer than `CARRY` minutes stays NaN: unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MINUTE_MS = 60_000
CARRY = 5  # minutes a last value stands for the ones that are missing
LONGEST = 14 * 24 * 60  # rows; more than two weeks in one panel is a wrong timestamp
ABSURD = 1e15


@dataclass(frozen=True, slots=True)
class Sensor:
    """What a column measures. `limit` is where all of it is used up; `least` the smallest value that means anything."""

    name: str
    limit: float | None = None
    least: float = 1e-6


SENSORS = (
    Sensor("utilisation", limit=1.0),
    Sensor("memory", limit=1.0),
    Sensor("load"),
    Sensor("latency"),
    Sensor("errors", least=1e-3),
    Sensor("queue", least=1.0),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """`ends_ms` is the end of each row's minute; `columns` holds rows by components for every sensor that was measured."""

    ends_ms: NDArray[np.int64]
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.ends_ms)


def panel(times_ms: NDArray[np.int64], columns: Mapping[str, Array]) -> Panel:
    """`columns` are samples by components for each sensor, all taken at `times_ms`."""
    times = np.asarray(times_ms, dtype=np.int64)
    if not len(times):
        return Panel(np.empty(0, np.int64), {name: np.empty((0, np.shape(v)[-1])) for name, v in columns.items()})
    minute = -(-times // MINUTE_MS)
    first, rows = int(minute.min()), int(minute.max() - minute.min()) + 1
    if rows > LONGEST:
        raise ValueError(f"samples span {rows} minutes, more than {LONGEST}: look for a wrong timestamp, or pass fewer days")
    at = minute - first
    ends = (first + np.arange(rows, dtype=np.int64)) * MINUTE_MS
    return Panel(ends, {name: _carried(_means(at, np.asarray(v, float), rows)) for name, v in columns.items()})


def _means(at: NDArray[np.int64], values: Array, rows: int) -> Array:
    """The mean of the numbers of each minute and component; NaN without any."""
    if values.ndim != 2 or len(values) != len(at):
        raise ValueError(f"a sensor needs samples by components, {len(at)} rows, not the shape {values.shape}")
    known = np.isfinite(values) & (np.abs(np.nan_to_num(values)) < ABSURD)
    found = np.empty((rows, values.shape[1]))
    for column in range(values.shape[1]):
        ok = known[:, column]
        count = np.bincount(at[ok], minlength=rows)
        total = np.bincount(at[ok], weights=values[ok, column], minlength=rows)
        found[:, column] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


def _carried(values: Array) -> Array:
    """Each gap filled with the last value before it, for as long as that may stand for it."""
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isfinite(values), rows, -1), axis=0)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where((last >= 0) & (rows - last <= CARRY), filled, np.nan)
