"""What a pool would have gained on the last two days of the pasts that it was learnt from, which no booster has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reconciler.analysis.forecasts.forecast import Pool, choices, forecast
from reconciler.analysis.forecasts.history import DAY, Array, History, Unknown

ORIGINS = (2 * DAY, 3 * DAY // 2, DAY)  # steps before the end; a day is foretold from each
SMALLEST = 0.02  # of the day's mean: a truth below it weighs no more


def gained(pool: Pool, pasts: Sequence[Array]) -> float:
    """The median over the series: by how much less the steps of a day miss the truth with the pool; below 0, by more."""
    found = [np.mean([_gain(pool, values, back) for back in ORIGINS]) for values in pasts]
    return float(np.median(found)) if found else 0.0


def _gain(pool: Pool, values: Array, back: int) -> float:
    at = len(values) - back
    past, came = History(values[:at], 0.0), values[at : at + DAY]
    size = np.maximum(np.abs(came), SMALLEST * max(float(np.abs(came).mean()), 1e-12))
    kept, misses = choices(past), []
    for said in (forecast(past, None, kept), forecast(past, pool, kept)):
        if isinstance(said, Unknown):
            return 0.0
        misses.append(float(np.mean(np.abs(said.steps.point - came) / size)))
    return misses[0] - misses[1]
