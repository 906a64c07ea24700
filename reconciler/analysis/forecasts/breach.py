"""When does a forecast pass a limit, and how likely is it?

The band says what single steps may be; a breach is about whole paths, and they are drawn in two ways. Past days lend their order:
at each step the day that ranked third among them takes the third of the forecast's quantiles (the Schaake shuffle). And past days
are moved to the middle of the forecast as they were, which keeps bursts whole. The answer is the mean of both shares of
paths that stay beyond the limit for `sustained` steps in a row: on recorded loads it erred less than either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.forecasts.forecast import Forecast
from reconciler.analysis.forecasts.history import DAY, Array, Unknown
from reconciler.analysis.forecasts.pool import SHARES

FEWEST = 12  # past days that lend their order


@dataclass(frozen=True, slots=True)
class Breach:
    """`at_s` is the median time of first passing among the paths that pass, `soonest_s` their tenth percentile; both are
    seconds after the forecast was made, None where no path passes.
    """

    probability: float
    at_s: float | None
    soonest_s: float | None
    paths: int


def breach(
    found: Forecast | Unknown, limit: float, *, above: bool = True, sustained: int = 3, within: int = DAY
) -> Breach | Unknown:
    """Within the next `within` steps."""
    if isinstance(found, Unknown):
        return found
    if not math.isfinite(limit):
        return Unknown(f"a limit of {limit}: give a number")
    if not 1 <= sustained <= within <= DAY:
        return Unknown(f"{sustained} of {within} steps: give 1 <= sustained <= within <= {DAY}")
    if len(found.templates) < FEWEST:
        return Unknown(f"{len(found.templates)} past days to take paths from: a breach needs {FEWEST}")
    ranked, whole = (
        _first(p[:, :within] > limit if above else p[:, :within] < limit, sustained) for p in (paths(found), moved(found))
    )
    probability = float(np.mean(ranked >= 0) + np.mean(whole >= 0)) / 2
    first = ranked if np.any(ranked >= 0) else whole
    passed = first[first >= 0]
    if not len(passed):
        return Breach(0.0, None, None, len(ranked))
    soonest, middle = (float(np.quantile(passed, share) + 1) * found.step_s for share in (0.1, 0.5))
    return Breach(probability, middle, soonest, len(ranked))


def paths(found: Forecast) -> Array:
    """As many paths as there are templates, with the forecast's quantiles at every step."""
    count = len(found.templates)
    rank = found.templates.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    even = (np.arange(count) + 0.5) / count
    levels = np.array([np.interp(even, SHARES, row) for row in found.steps.quantiles])
    return np.take_along_axis(levels.T, rank, axis=0)


def moved(found: Forecast) -> Array:
    """Past days with their middle where the forecast's middle is."""
    middle = np.median(found.steps.quantiles[:, len(SHARES) // 2])
    days: Array = found.templates - np.median(found.templates, axis=1, keepdims=True) + middle
    return days


def _first(beyond: NDArray[np.bool_], sustained: int) -> NDArray[np.intp]:
    """The step at which each path has begun to stay beyond; -1 where it never does."""
    count = np.cumsum(np.pad(beyond.astype(np.intp), ((0, 0), (1, 0))), axis=1)
    runs = (count[:, sustained:] - count[:, :-sustained]) == sustained
    first: NDArray[np.intp] = np.where(np.any(runs, axis=1), np.argmax(runs, axis=1), -1)
    return first
