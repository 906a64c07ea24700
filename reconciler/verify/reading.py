"""One metric of one component before and after, and how it would have moved without the repair.

`ratio` is after over before with a small amount added to both, so that a tick on a quiet metric is no catastrophe. A
direction turns it: above 1 is always worse. The counterfactual is the controls' own median ratio: what they moved by
in the same time is not the repair's doing (difference in differences, on ratios).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.analysis.robust import median
from reconciler.analysis.shifts import BEYOND, Shift, cut, shift
from reconciler.ports.telemetry import Telemetry

Window = tuple[int, int]
LEAST = 4
LOAD = "request_rate"
SAME_LOAD = 1.1
# What is added before dividing, in the metric's unit: a change this small can at most double the ratio.
QUIET = {"error_rate": 0.005, "queue_depth": 2.0, "retries_rate": 1.0, "restarts": 1.0, "request_rate": 1.0}
QUIET_LATENCY_MS = 5.0
QUIET_SHARE = 0.05


def quiet(metric: str) -> float:
    """The amount of this metric that nobody would notice."""
    return QUIET.get(metric, QUIET_LATENCY_MS if metric.startswith("latency_") else QUIET_SHARE)


@dataclass(frozen=True, slots=True)
class Measured:
    """`known` is False with too few samples on either side: then nothing else means anything."""

    component: str
    metric: str
    shift: Shift
    known: bool

    def worsening(self, direction: str) -> float:
        """After over before so that above 1 is worse, NaN when unknown."""
        small = quiet(self.metric)
        if not self.known:
            return math.nan
        ratio = (self.shift.after + small) / (self.shift.before + small)
        return ratio if direction == "below" else (1 / ratio if ratio > 0 else math.inf)

    def beyond(self, direction: str) -> bool:
        """Whether nearly every later sample is worse than nearly every earlier one: noise rarely is. How much worse is
        asked apart from this, because trouble that was still growing before the repair has a wide spread.
        """
        worse = self.shift.superiority if direction == "below" else 1 - self.shift.superiority
        return self.known and worse >= BEYOND


def steady(telemetry: Telemetry, control: str, before: Window, after: Window) -> bool:
    """Whether a neighbour got as many requests as before. One that the repair gave its load back is no control, and
    that it is busier than in the trouble is no harm. Without a measurement it is taken as it is.
    """
    rate = measure(telemetry, control, LOAD, before, after)
    return not rate.known or not rate.shift.moved or 1 / SAME_LOAD <= rate.worsening("below") <= SAME_LOAD


def measure(telemetry: Telemetry, component: str, metric: str, before: Window, after: Window) -> Measured:
    """Reads both windows. Raises Retryable as the source does."""
    earlier = cut(telemetry.series(component, metric, *before), *before)
    later = cut(telemetry.series(component, metric, *after), *after)
    small = quiet(metric)
    found = shift(earlier, later, max(small, 0.1 * abs(median(earlier))) if earlier else small)
    return Measured(component, metric, found, len(earlier) >= LEAST and len(later) >= LEAST)


def counterfactual(controls: Iterable[Measured], direction: str) -> float:
    """How much worse (above 1) or better (below 1) untouched neighbours became; 1 without any that is known."""
    ratios = [r for m in controls if math.isfinite(r := m.worsening(direction))]
    return median(ratios) if ratios else 1.0
