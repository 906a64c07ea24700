"""Anomalies of one series, judged sample by sample as they arrive: no answer ever depends on a later sample.

1. `samples`: what cannot be judged (no number, late, repeated, in maintenance) is unknown; the rest goes on.
2. `views`: a figure a sample from each view, and how far it is to be trusted.
3. `tails`: each figure as a surprise beside its own past.
4. The weighted sum is the `surprise` of the sample; per view it is the evidence.
5. `peak`: the surprise where it exceeds the last `QUIET` samples, else 0. One anomaly raises one alarm, not one a sample.
6. `severity`: the surprise, halved every `FADES` samples: how much is the matter right now.
7. `alarms`: how rarely a peak this high comes, in days, so that an operator asks for alarms per day, not for a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reconciler.analysis.anomalies.alarms import days_between
from reconciler.analysis.anomalies.samples import bounded, usable
from reconciler.analysis.anomalies.tails import WARM, surprise
from reconciler.analysis.anomalies.views import Seen, discord, level, novelty, season

Array = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]

WEIGHTS = {"novelty": 1.0, "level": 0.5, "season": 0.5, "discord": 0.5}
QUIET = 100  # samples
FADES = 200.0  # samples to half
ROUNDING = 1e-9  # of the largest value so far: a smaller distance is none


@dataclass(frozen=True, slots=True)
class Anomalies:
    """One figure a sample, in the order in which the samples came; NaN is "unknown".

    `evidence` is each view's part of `surprise`, `every_days` the expected days between peaks as high as this one
    (0 where there is no peak).
    """

    surprise: Array
    peak: Array
    severity: Array
    every_days: Array
    evidence: dict[str, Array]

    def alarms(self, per_day: float) -> Flags:
        """The samples that raise an alarm when about `per_day` are wanted."""
        if not per_day > 0:
            raise ValueError(f"ask for more than 0 alarms per day (0.1 is one in ten days), not {per_day}")
        found: Flags = np.nan_to_num(self.every_days) >= 1 / per_day
        return found


def anomalies(times: Times, values: Array, maintenance: Flags | None = None) -> Anomalies:
    """Judge a series: `times` in ms, `maintenance` marks samples to pass over."""
    used = usable(times, values, maintenance)
    when, what = times[used], bounded(values[used])
    evidence = _evidence(when, what)
    total = np.sum(list(evidence.values()), axis=0)
    peak = _peaks(total)
    return Anomalies(
        surprise=_spread(used, total),
        peak=_spread(used, peak),
        severity=_spread(used, _severity(total)),
        every_days=_spread(used, days_between(when, peak)),
        evidence={name: _spread(used, part) for name, part in evidence.items()},
    )


def _evidence(times: Times, values: Array) -> dict[str, Array]:
    """Weighted surprise by view; NaN in all of them until `WARM` samples are known."""
    if len(values) <= WARM:
        return {name: np.full(len(values), np.nan) for name in WEIGHTS}
    seen = {"novelty": novelty(values), "level": level(values), "season": season(times, values), "discord": discord(values)}
    floor = ROUNDING * np.maximum.accumulate(np.abs(values))
    return {name: WEIGHTS[name] * _weighed(view, floor) for name, view in seen.items()}


def _weighed(view: Seen, floor: Array) -> Array:
    """The view's surprise times its trust; 0 where the view alone does not know."""
    known = np.isfinite(view.figures)
    found = np.zeros(len(floor))
    found[known] = np.nan_to_num(surprise(view.figures[known], floor[known])) * view.trust[known]
    found[:WARM] = np.nan
    return found


def _peaks(total: Array) -> Array:
    if not len(total):
        return total
    before = np.concatenate([np.full(QUIET, -np.inf), np.nan_to_num(total, nan=-np.inf)])
    highest = sliding_window_view(before, QUIET)[:-1].max(axis=1)
    return np.where(np.isnan(total), np.nan, np.where(total > highest, total, 0.0))


def _severity(total: Array) -> Array:
    fading = 0.5 ** (1 / FADES)
    found, now = np.empty(len(total)), 0.0
    for index, value in enumerate(total.tolist()):
        now = max(now * fading, value)
        found[index] = now
    return np.where(np.isnan(total), np.nan, found)


def _spread(used: Flags, found: Array) -> Array:
    """Back to the samples as they came."""
    whole = np.full(len(used), np.nan)
    whole[used] = found
    return whole
