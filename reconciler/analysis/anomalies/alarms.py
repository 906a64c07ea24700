"""How rarely a peak as high as this one comes, so that an operator asks for alarms per day and not for a threshold.

Each peak is compared with the earlier peaks of its own series: those at least as high, and itself, over the days watched.
Above the fifth highest, where counting runs out, peaks get rarer exponentially with their height (a surprise is a logarithm,
so this is a Pareto tail of probability). A series that was watched for a day can so still say "once in a month".
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Times = NDArray[np.int64]

DAY_MS = 86_400_000
COUNTED = 5  # peaks: above the lowest of these, the tail tells
STEEPEST = 50.0  # means excess; further out a number says no more


def days_between(times: Times, peaks: Array) -> Array:
    """Expected days from one peak this high to the next; 0 where there is no peak, NaN where peaks are unknown."""
    found = np.where(np.isnan(peaks), np.nan, 0.0)
    known = np.flatnonzero(~np.isnan(peaks))
    past: list[float] = []
    for index in np.flatnonzero(np.nan_to_num(peaks) > 0).tolist():
        days = (times[index] - times[known[0]]) / DAY_MS
        found[index] = days / _expected(past, float(peaks[index]))
        insort(past, float(peaks[index]))
    return found


def _expected(past: list[float], height: float) -> float:
    """How many peaks of at least this height the days watched should have shown; `past` is sorted."""
    reached = len(past) - bisect_left(past, height) + 1
    if len(past) < COUNTED or reached > COUNTED:
        return float(reached)
    top = past[-COUNTED:]
    excess = sum(top) / COUNTED - top[0]
    if excess <= 0:
        return float(reached)
    return COUNTED * math.exp(-min((height - top[0]) / excess, STEEPEST))
