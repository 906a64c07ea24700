"""Did a level move between two windows, by how much, and since when.

`shift` compares the medians in units of the reference's robust spread and asks the ranks whether nearly every later
sample lies beyond nearly every earlier one: noise moves neither, one outlier moves neither. `onset` finds the first
sample of a departure that lasted until the end of what is known.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.analysis.robust import finite, median, robust_z, spread
from reconciler.model.telemetry import Series

LEAST = 4  # samples on each side; 20 s at a scrape every 5 s
EFFECT = 3.0  # robust deviations
BEYOND = 0.85  # share of pairs in which the later sample lies beyond the earlier one
RUN = 3  # samples in a row that open a departure
OF_LEVEL = 0.2  # of the distance at the end
LASTING = 0.7  # share of the samples from there on that stay beyond
CALM = 4  # samples in a row at rest end what was before: a restart's moment of errors is no beginning of what comes after


@dataclass(frozen=True, slots=True)
class Shift:
    """`effect` is signed and in robust deviations; `superiority` is the share of pairs in which the later is larger."""

    before: float
    after: float
    effect: float
    superiority: float
    samples: tuple[int, int]

    @property
    def known(self) -> bool:
        return min(self.samples) >= LEAST

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def rose(self) -> bool:
        return self.known and self.effect >= EFFECT and self.superiority >= BEYOND

    @property
    def fell(self) -> bool:
        return self.known and self.effect <= -EFFECT and self.superiority <= 1 - BEYOND

    @property
    def moved(self) -> bool:
        return self.rose or self.fell


def shift(before: Sequence[float], after: Sequence[float], floor: float) -> Shift:
    """Compares two windows; `floor` is the smallest deviation that means anything in this metric."""
    reference, later = finite(before), finite(after)
    level = median(later)
    effect = robust_z(level, reference, floor)
    return Shift(
        before=median(reference),
        after=level,
        effect=0.0 if math.isnan(effect) else effect,
        superiority=superiority(reference, later),
        samples=(len(reference), len(later)),
    )


def superiority(before: Sequence[float], after: Sequence[float]) -> float:
    """The share of (before, after) pairs in which the later is larger; ties count half; 0.5 without data."""
    if not before or not after:
        return 0.5
    ordered = sorted(before)
    won = sum(bisect_left(ordered, v) + bisect_right(ordered, v) for v in after)
    return won / (2 * len(before) * len(after))


def cut(series: Series, start_ms: int, end_ms: int) -> tuple[float, ...]:
    """The known values in [start, end)."""
    low, high = bisect_left(series.times, start_ms), bisect_left(series.times, end_ms)
    return finite(series.values[low:high])


def onset(series: Series, reference: Sequence[float], floor: float, sign: int, since_ms: int) -> int | None:
    """When a departure from the reference that lasts until the end of the series began, or None.

    It must reach a fifth of where the series stands at its end: a ripple that happens to come before the step, such as
    the cold caches of an innocent rollout, is not its beginning.
    """
    known = [(t, v) for t, v in zip(series.times, series.values, strict=True) if math.isfinite(v) and t >= since_ms]
    centre = median(reference)
    now = sign * (median(v for _, v in known[-LEAST:]) - centre)
    limit = max(EFFECT * spread(reference, floor), OF_LEVEL * now if now > 0 else 0.0)
    beyond = [sign * (v - centre) >= limit for _, v in known]
    staying, resting, began, over = sum(beyond), 0, None, True
    for index, (time, _) in enumerate(known):
        lasting = staying >= LASTING * (len(known) - index)
        if over and lasting and index + RUN <= len(known) and all(beyond[index : index + RUN]):
            began, over = time, False
        staying -= beyond[index]
        resting = 0 if beyond[index] else resting + 1
        over = over or resting >= CALM
    return began
