"""Which methods to believe for one series: rolling origins over its own past, and nothing else.

At past origins every method is asked and compared with what came. Weights are 1 / error to a power, apart for leads up to each
of `LEAD_HOURS`; the mixture is the weighted mean of the best few. What it misses is told by mixtures that did not see the
origin at which they are asked: the one that did was chosen to miss little there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reconciler.analysis.forecasts.history import DAY, HOUR, MOST_DAYS, Array, hours
from reconciler.analysis.forecasts.methods import Leads, stable
from reconciler.analysis.forecasts.table import size_of

LEAD_HOURS = (1, 6, 24)
ORIGINS = 12
ALONE = 24  # origins whose misses make a band where no pool does: a week of them
EVERY = 83  # steps between origins: no part of a day
SAMPLED = 24  # leads asked at each origin
POWER = 4.0  # of 1 / error
BEST = 5  # methods in a mixture
SMALLEST = 0.02  # of a series' size: a truth below it counts as that much


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Weights by method for each of `LEAD_HOURS`; `residuals` are (truth - mixture) / size, for each of them at `origins`."""

    weights: tuple[Mapping[str, float], ...]
    errors: tuple[Mapping[str, float], ...]
    residuals: tuple[Array, ...]
    origins: int

    @property
    def best(self) -> tuple[str, ...]:
        """The method with the most weight for each of `LEAD_HOURS`."""
        return tuple(max(w, key=lambda name: w[name]) for w in self.weights)


def bucket(leads: Leads, hour: int) -> Leads:
    """Which of `LEAD_HOURS` each lead belongs to."""
    return np.searchsorted(np.array(LEAD_HOURS) * hour, leads + 1)


def relative(truth: Array, said: Array, size: float | Array) -> Array:
    """Absolute percentage error; a truth of almost nothing counts as a little."""
    error: Array = np.abs(truth - said) / np.maximum(np.abs(truth), SMALLEST * size)
    return error


def sampled(hour: int) -> Leads:
    """Leads that stand for all of them: dense where the horizons are short."""
    if hour == 1:
        return np.arange(24)
    return np.unique(np.geomspace(1, 24 * hour, SAMPLED).astype(np.intp) - 1)


def chosen(values: Array, hour: int, origins: int = ORIGINS) -> Choice | None:
    """None when the past has no room for an origin with two days before it and a day after it. Methods are chosen at the newest
    `ORIGINS` of them, and missed by at all.
    """
    leads = sampled(hour)
    ends = range(len(values) - DAY, 2 * DAY - 1, -EVERY)[:origins]
    if not ends:
        return None
    asked = [_asked(values, end, hour, leads) for end in ends]
    truth = np.array([a[1] for a in asked])
    sizes = np.array([a[2] for a in asked])
    said = {name: np.array([a[0][name] for a in asked]) for name in asked[0][0]}
    return _weighed(truth, said, sizes, bucket(leads, hour))


def _asked(values: Array, end: int, hour: int, leads: Leads) -> tuple[dict[str, Array], Array, float]:
    past, came = values[max(0, end - MOST_DAYS * DAY) : end], values[end : end + DAY]
    x, truth = (past, came) if hour == HOUR else (hours(past), hours(came))
    return stable(x, hour, leads), truth[leads], size_of(x, hour)


def _weighed(truth: Array, said: Mapping[str, Array], sizes: Array, of: Leads) -> Choice:
    errors, weights, residuals = [], [], []
    for b in range(len(LEAD_HOURS)):
        at = of == b
        each = np.array([relative(truth[:, at], s[:, at], sizes[:, None]).mean(axis=1) for s in said.values()])
        error = dict(zip(said, each[:, :ORIGINS].mean(axis=1).tolist(), strict=True))
        errors.append(error)
        weights.append(weights_of(error))
        mixtures = [_unseen(each, said, row)[at] for row in range(len(sizes))]
        residuals.append(((truth[:, at] - np.array(mixtures)) / sizes[:, None]).ravel())
    return Choice(tuple(weights), tuple(errors), tuple(residuals), len(sizes))


def _unseen(errors: Array, said: Mapping[str, Array], row: int) -> Array:
    """What the mixture would have said at an origin, chosen at the others; the only one has no others."""
    others = [at for at in range(min(ORIGINS, errors.shape[1])) if at != row] or [row]
    weight = weights_of(dict(zip(said, errors[:, others].mean(axis=1).tolist(), strict=True)))
    mixture: Array = np.sum([w * said[name][row] for name, w in weight.items()], axis=0)
    return mixture


def weights_of(errors: Mapping[str, float]) -> dict[str, float]:
    """The best few, each by how little it erred."""
    best = sorted(errors, key=lambda name: (errors[name], name))[:BEST]
    raw = {name: (max(errors[best[0]], 1e-9) / max(errors[name], 1e-9)) ** POWER for name in best}
    total = sum(raw.values())
    return {name: w / total for name, w in raw.items()}


def mixed(methods: Mapping[str, Array], choice: Choice, leads: Leads, hour: int) -> Array:
    """The mixture's forecast of each lead."""
    of = bucket(leads, hour)
    out = np.zeros(len(leads))
    for b, weight in enumerate(choice.weights):
        at = of == b
        out[at] = sum(w * methods[name][at] for name, w in weight.items())
    return out
