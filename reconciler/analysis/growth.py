"""Rates of counters and the steady growth of a level towards its limit.

The slope is Theil and Sen's: the median of the slopes between pairs, which outliers and short dips do not move. A fall
to less than half (a restart) starts the growth anew: only the samples since then are looked at.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.analysis.robust import median
from reconciler.model.telemetry import Series

MAX_POINTS = 40  # 780 pairs: well under a millisecond
LEAST = 6
BEND = 0.5  # of the squared error of a line without a bend
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """`per_second` in the metric's unit, `rising` the share of pairs that rose, `level` the newest median of three."""

    per_second: float
    rising: float
    level: float
    samples: int

    @property
    def steady(self) -> bool:
        return self.samples >= LEAST and self.per_second > 0 and self.rising >= 0.9

    def seconds_to(self, limit: float) -> float:
        """When the limit is reached at this pace; infinity when it never is."""
        if self.per_second <= 0:
            return math.inf
        return max(0.0, (limit - self.level) / self.per_second)


def growth(series: Series, start_ms: int, end_ms: int) -> Growth:
    """The growth of a level within [start, end), since its last fall to less than half."""
    points = _since_fall(_known(series, start_ms, end_ms))
    sample = _thin(points)
    slopes = [(v - u) / (t - s) for (s, u), (t, v) in itertools.combinations(sample, 2) if t > s]
    rising = sum(s > 0 for s in slopes) / len(slopes) if slopes else 0.0
    return Growth(
        per_second=median(slopes) if slopes else 0.0,
        rising=rising,
        level=median(v for _, v in points[-3:]),
        samples=len(points),
    )


def began(series: Series, start_ms: int, end_ms: int) -> int | None:
    """When a level that was flat began to grow, by the bend that fits best; None where it grew from the start on.

    Looks at what came before the highest level: kills after it, replica by replica, only hide the growth.
    """
    points = _known(series, start_ms, end_ms)
    highest = max(range(len(points)), key=lambda i: points[i][1], default=-1)
    sample = _thin(points[: highest + 1])
    bends = [(_bent(sample, at), at) for at in range(LEAST, len(sample) - LEAST)]
    if not bends:
        return None
    best, at = min(bends)
    return round(1_000 * sample[at][0]) if best < BEND * _bent(sample, 0) else None


def _bent(points: Sequence[Point], at: int) -> float:
    """The squared error of a level that is flat up to a sample and then leaves it in a line."""
    base = median(v for _, v in points[: max(at, 1)])
    since = points[at][0]
    rest = [(t - since, v - base) for t, v in points[at:]]
    span = sum(t * t for t, _ in rest)
    slope = sum(t * v for t, v in rest) / span if span else 0.0
    return sum((v - base) ** 2 for _, v in points[:at]) + sum((v - slope * t) ** 2 for t, v in rest)


def _since_fall(points: Sequence[Point]) -> Sequence[Point]:
    start = 0
    for index in range(1, len(points)):
        if points[index][1] < points[index - 1][1] / 2:
            start = index
    return points[start:]


def _thin(points: Sequence[Point]) -> Sequence[Point]:
    if len(points) <= MAX_POINTS:
        return points
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(i * step)] for i in range(MAX_POINTS)]


def increase(series: Series, start_ms: int, end_ms: int) -> float:
    """How much a counter grew within [start, end); a fall is a reset to zero; 0 with fewer than two samples."""
    known = _known(series, start_ms, end_ms)
    return sum(later - earlier if later >= earlier else later for (_, earlier), (_, later) in itertools.pairwise(known))


def rate(series: Series, start_ms: int, end_ms: int) -> float:
    """Increase per second of a counter within [start, end); NaN with fewer than two samples."""
    known = _known(series, start_ms, end_ms)
    if len(known) < 2:
        return math.nan
    return increase(series, start_ms, end_ms) / (known[-1][0] - known[0][0])


def _known(series: Series, start_ms: int, end_ms: int) -> list[Point]:
    """(seconds, value) of every sample within [start, end) that is a number."""
    pairs = zip(series.times, series.values, strict=True)
    return [(t / 1_000, v) for t, v in pairs if start_ms <= t < end_ms and math.isfinite(v)]
