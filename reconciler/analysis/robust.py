"""Location, spread and quantiles that one outlier cannot move. NaN and infinities are gaps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

SIGMA = 1.4826  # MAD times this estimates a standard deviation where the data is normal


def finite(values: Iterable[float]) -> tuple[float, ...]:
    """The values that are numbers."""
    return tuple(filter(math.isfinite, values))


def quantile(values: Iterable[float], share: float) -> float:
    """The quantile by linear interpolation; NaN when nothing was measured."""
    if not 0 <= share <= 1:
        raise ValueError(f"a quantile is asked for by a share in 0..1, not {share}")
    ordered = sorted(finite(values))
    if not ordered:
        return math.nan
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def median(values: Iterable[float]) -> float:
    """The middle value; NaN when nothing was measured."""
    return quantile(values, 0.5)


def mad(values: Iterable[float]) -> float:
    """Median absolute deviation from the median; NaN when nothing was measured."""
    known = finite(values)
    centre = median(known)
    return median(abs(v - centre) for v in known)


def spread(values: Sequence[float], floor: float) -> float:
    """A robust standard deviation, never below `floor`: a flat reference must not make every tick a sensation."""
    found = SIGMA * mad(values)
    return floor if math.isnan(found) else max(found, floor)


def robust_z(value: float, reference: Sequence[float], floor: float) -> float:
    """How many robust deviations `value` lies from the reference; NaN without data, 0 where nothing differs."""
    difference = value - median(reference)
    if difference == 0 or math.isnan(difference):
        return difference
    width = spread(reference, floor)
    return math.copysign(math.inf, difference) if width == 0 else difference / width
