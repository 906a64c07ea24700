"""Samples as they come in, to one value every step: sorted, doubled ones averaged, gaps filled or called unknown.

A gap is filled with what the same time of the days around it says, or the line between its ends; a series that is mostly gaps
is unknown, not zero. What is not a number, or too large to square, is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP_S = 300.0
DAY = 288  # steps
HOUR = 12
LARGEST = 1e100
MOST_DAYS = 29  # four weeks and the day that they are compared with
LEAST = HOUR  # samples
LEAST_SHARE = 0.5  # of the last day (or of all, when it is shorter) that was measured


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One value every `step_s` seconds; the last one was measured at `end_s`. `filled` of them were gaps."""

    values: Array
    end_s: float
    step_s: float = STEP_S
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """No forecast, and why."""

    reason: str


def regular(times_s: Array, values: Array) -> History | Unknown:
    """The last `MOST_DAYS` days on a grid that ends at the newest sample."""
    times, found = np.asarray(times_s, dtype=float), np.asarray(values, dtype=float)
    if times.shape != found.shape or times.ndim != 1:
        return Unknown(f"{times.shape} times and {found.shape} values: give one time a value")
    known = np.isfinite(times) & np.isfinite(found) & (np.abs(np.nan_to_num(found)) < LARGEST)
    if known.sum() < LEAST:
        return Unknown(f"{int(known.sum())} samples are numbers: a forecast needs {LEAST}")
    grid = _grid(times[known], found[known])
    return _judged(grid, float(times[known].max()))


def _grid(times: Array, values: Array) -> Array:
    """Means of the samples around each step, oldest first; NaN where there is none."""
    back = np.rint((times.max() - times) / STEP_S)
    recent = back < MOST_DAYS * DAY
    slot = back[recent].astype(np.int64)
    size = int(slot.max()) + 1
    counts = np.bincount(slot, minlength=size)
    sums = np.bincount(slot, weights=values[recent], minlength=size)
    with np.errstate(invalid="ignore"):
        means: Array = np.where(counts > 0, sums / counts, np.nan)
    return means[::-1]


def _judged(grid: Array, end_s: float) -> History | Unknown:
    share = float(np.isfinite(grid[-DAY:]).mean())
    if len(grid) < LEAST:
        return Unknown(f"{len(grid)} steps of {STEP_S:g} s: a forecast needs {LEAST}")
    if share < LEAST_SHARE:
        return Unknown(f"{share:.0%} of the last day was measured: a forecast needs {LEAST_SHARE:.0%}")
    return History(filled(grid), end_s, STEP_S, int(np.isnan(grid).sum()))


def filled(grid: Array) -> Array:
    """Gaps from the same time a day before, or after the last fill by a line between their ends."""
    out: Array = grid.copy()
    gaps = np.flatnonzero(np.isnan(out))
    for at in gaps:
        if at >= DAY:
            out[at] = out[at - DAY]
    missing = np.isnan(out)
    if missing.any():
        known = np.flatnonzero(~missing)
        out[missing] = np.interp(np.flatnonzero(missing), known, out[known])
    return out


def hours(values: Array) -> Array:
    """Hourly means, the newest hour ending with the newest value."""
    n = len(values) // HOUR
    means: Array = values[len(values) - n * HOUR :].reshape(n, HOUR).mean(axis=1)
    return means
