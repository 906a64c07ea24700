"""Indicators read: of each step of time, how much was bad and how much there was. What was not measured has neither.

A ratio counts events: the growth of counters from sample to sample, a reset being growth from zero, and a step only counts when
every counter it needs was seen in it. A threshold counts time: the share of a step's samples that lie beyond the bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reconciler.documents.objective import Bound, Indicator, Ratio
from reconciler.ports.telemetry import Telemetry

NOTHING = (0.0, 0.0, 0)
GAP_MS = 120_000  # counters are joined over gaps up to this: what grew in a longer one is not known to belong to one step


def measured(
    indicator: Indicator, telemetry: Telemetry, component: str, steps: range, step_ms: int
) -> list[tuple[float, float, int]]:
    """Bad, all, and 1 where measured, for each step that begins at one of `steps`."""
    if indicator.ratio is not None:
        return _events(indicator.ratio, telemetry, component, steps, step_ms)
    if indicator.threshold is not None:
        return _time(indicator.threshold, telemetry, component, steps, step_ms)
    return [NOTHING] * len(steps)


def _events(ratio: Ratio, telemetry: Telemetry, component: str, steps: range, step_ms: int) -> list[tuple[float, float, int]]:
    grown = {m: _growth(telemetry, component, m, steps, step_ms) for m in dict.fromkeys((*ratio.bad, *ratio.total))}
    found = []
    for place in range(len(steps)):
        here = {metric: values[place] for metric, values in grown.items()}
        total = sum(here[metric] or 0.0 for metric in ratio.total)
        bad = sum(here[metric] or 0.0 for metric in ratio.bad)
        seen = total > 0.0 and all(value is not None for value in here.values())
        found.append((min(bad, total), total, 1) if seen else NOTHING)
    return found


def _growth(telemetry: Telemetry, component: str, metric: str, steps: range, step_ms: int) -> list[float | None]:
    """How much a counter grew in each step, None where it was not seen."""
    found: list[float | None] = [None] * len(steps)
    before: tuple[int, float] | None = None
    for time, value in _points(telemetry, component, metric, steps.start - GAP_MS, steps.stop - 1):
        place = (time - steps.start) // step_ms
        if before is not None and 0 <= place < len(steps) and time - before[0] <= GAP_MS:
            rise = value if value < before[1] else value - before[1]
            found[place] = (found[place] or 0.0) + rise
        before = (time, value)
    return found


def _time(bound: Bound, telemetry: Telemetry, component: str, steps: range, step_ms: int) -> list[tuple[float, float, int]]:
    bad, seen = [0] * len(steps), [0] * len(steps)
    for time, value in _points(telemetry, component, bound.metric, steps.start, steps.stop - 1):
        place = (time - steps.start) // step_ms
        seen[place] += 1
        bad[place] += value > bound.above if bound.above is not None else value < (bound.below or 0.0)
    return [(b / n, 1.0, 1) if n else NOTHING for b, n in zip(bad, seen, strict=True)]


def _points(telemetry: Telemetry, component: str, metric: str, start: int, end: int) -> Sequence[tuple[int, float]]:
    series = telemetry.series(component, metric, start, end)
    return [(t, v) for t, v in zip(series.times, series.values, strict=True) if math.isfinite(v)]
