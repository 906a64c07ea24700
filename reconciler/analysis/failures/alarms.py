"""Chances into alarms that a person can live with: at most so many a day, whatever the chances do.

An alarm opens when the chance reaches the threshold. Another opens only after the chance stayed below half the threshold for
`CALM` minutes, and never when `per_day` alarms have opened within the last 24 hours: that bound holds without trusting the model.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CALM = 15  # minutes
LEVELS = np.arange(20, 100) / 100  # thresholds that may be chosen
DAY_MS = 24 * 3_600_000


def openings(ends_ms: NDArray[np.int64], chances: Array, threshold: float, per_day: int) -> list[int]:
    """The rows at which an alarm opens. A row without a chance changes nothing."""
    opened: list[int] = []
    armed, calm = True, 0
    for row, chance in enumerate(chances):
        if math.isnan(chance):
            continue
        calm = calm + 1 if chance < threshold / 2 else 0
        armed = armed or calm >= CALM
        if armed and chance >= threshold and _spare(ends_ms, opened, row, per_day):
            opened.append(row)
            armed = False
    return opened


def _spare(ends_ms: NDArray[np.int64], opened: list[int], row: int, per_day: int) -> bool:
    recent = [r for r in opened if ends_ms[row] - ends_ms[r] < DAY_MS]
    return len(recent) < per_day


def threshold(
    runs: NDArray[np.int64], chances: Array, true: NDArray[np.bool_], precision: float, weights: Array | None = None
) -> float:
    """The lowest threshold from which on the first alarms of runs left out of learning are right often enough; 1 where none is.

    Alarms count, not rows: a run that hovers below a breach for hours gives one false alarm, for each run that it stands for
    (`weights`, of the rows). Rows are in the order of time.
    """
    weights = np.ones(len(runs)) if weights is None else weights
    found = 1.0
    for level in LEVELS[::-1]:
        crossed = np.flatnonzero(chances >= level)
        alarming, first = np.unique(runs[crossed], return_index=True)
        if not len(alarming):
            continue
        if np.average(true[crossed[first]], weights=weights[crossed[first]]) < precision:
            break
        found = float(level)
    return found
