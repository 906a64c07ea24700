"""What a watch is told, and what has lately been usual."""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """One service over one period: requests a second that were tried, done and refused, replicas that serve, and how full the
    fullest thing is that its callers share (connections, a pool; 1 is all of it). NaN: unknown.
    """

    attempts: float = math.nan
    good: float = math.nan
    errors: float = math.nan
    replicas: float = math.nan
    used: float = math.nan


class Usual:
    """The median of the last `kept` seconds but the newest `gap`, so that trouble does not become usual while it begins."""

    def __init__(self, kept: float = 900.0, gap: float = 75.0, least: int = 12) -> None:
        self._kept, self._gap, self._least = kept, gap, least
        self._values: deque[tuple[float, float]] = deque()

    def add(self, time: float, value: float) -> None:
        if math.isfinite(value):
            self._values.append((time, value))
        while self._values and self._values[0][0] < time - self._kept:
            self._values.popleft()

    def at(self, time: float) -> float:
        """NaN with too few values."""
        old = [v for t, v in self._values if t <= time - self._gap]
        return statistics.median(old) if len(old) >= self._least else math.nan
