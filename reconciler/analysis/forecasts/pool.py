"""Gradient boosting over the pasts of many series, and intervals that were right afterwards.

Training is for the background. Every series gives windows of its past; the boosters learn from what the methods said there and
what came (`table`). They minimise |truth - forecast| / |truth|: medians weighted by 1 / size. A second booster learns the
quantiles. The newest `HELD_DAYS` of each series are kept from both: there the quantiles are moved, by lead, until each was
passed as often as it says (conformal), which also makes up for what the boosters believe too firmly.

Forecasting asks one table of two boosters: milliseconds a series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reconciler.analysis.forecasts.choice import LEAD_HOURS, bucket
from reconciler.analysis.forecasts.history import DAY, HOUR, MOST_DAYS, Array, hours
from reconciler.analysis.forecasts.methods import Leads
from reconciler.analysis.forecasts.table import Rows, Table, described

SHARES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
EVERY = 83  # steps between windows: no part of a day, so that windows start at all times of the day
MOST_WINDOWS = 70  # a series
HELD_DAYS = 2
SAMPLED = 24  # leads a window
SMALLEST = 0.02  # of a series' size: a truth below it weighs no more
SEED = 20_260_101
POINT = {
    "n_estimators": 300,
    "max_depth": 9,
    "learning_rate": 0.05,
    "colsample_bytree": 0.3,
    "subsample": 0.7,
    "min_child_weight": 20,
}
QUANTILES = {
    "n_estimators": 60,
    "max_depth": 6,
    "learning_rate": 0.12,
    "colsample_bytree": 0.3,
    "subsample": 0.7,
    "min_child_weight": 40,
}


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What was known at one past origin and what came, relative to the series' size then."""

    rows: Rows
    truth: Array
    leads: Leads


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """Boosters for one resolution. `moves` holds, for each of `LEAD_HOURS` and `SHARES`, how far a quantile is moved."""

    point: Any
    quantiles: Any
    moves: Array
    hour: int

    def ask(self, table: Table, leads: Leads) -> tuple[Array, Array]:
        """The point forecast of every lead, and its quantiles as columns."""
        point = self.point.predict(table.rows).astype(float)
        spread = moved(self.quantiles.predict(table.rows).astype(float), self.moves, leads, self.hour)
        return point * table.size, spread * table.size


def _origins(size: int) -> range:
    """Ends of the pasts to learn from, newest first; each leaves a day of truth behind it."""
    return range(size - DAY, 2 * DAY, -EVERY)[:MOST_WINDOWS]


def _window(values: Array, end: int, hour: int, rng: np.random.Generator) -> Window:
    past, came = values[max(0, end - MOST_DAYS * DAY) : end], values[end : end + DAY]
    x, truth = (past, came) if hour == HOUR else (hours(past), hours(came))
    if hour == 1:
        leads = np.arange(24)
    else:
        parts = [(0, hour, 3), (hour, 6 * hour, 5), (6 * hour, 24 * hour, SAMPLED - 8)]
        leads = np.concatenate([low + rng.choice(high - low, n, replace=False) for low, high, n in parts])
    table = described(past, x, hour, leads)
    return Window(table.rows, truth[leads] / table.size, leads)


def windows(pasts: Sequence[Array], hour: int) -> Iterator[tuple[bool, Window]]:
    """Each window, and whether it is held back from learning: a window that reaches into the held days is one or neither."""
    rng = np.random.default_rng(SEED)
    for values in pasts:
        held_from = len(values) - HELD_DAYS * DAY
        for end in _origins(len(values)):
            if end >= held_from:
                yield True, _window(values, end, hour, rng)
            elif end + DAY <= held_from:
                yield False, _window(values, end, hour, rng)


def learn(pasts: Sequence[Array], hour: int, threads: int = 1) -> Learnt | None:
    """Boosters of one resolution; None when no series is long enough."""
    import xgboost

    found = list(windows(pasts, hour))
    old, held = [w for kept, w in found if not kept], [w for kept, w in found if kept]
    if not old or not held:
        return None
    rows, truth = np.concatenate([w.rows for w in old]), np.concatenate([w.truth for w in old])
    weight = 1 / np.maximum(np.abs(truth), SMALLEST)
    common = {"tree_method": "hist", "n_jobs": threads, "random_state": SEED}
    point = xgboost.XGBRegressor(objective="reg:absoluteerror", **common, **POINT).fit(rows, truth, sample_weight=weight)
    spread = xgboost.XGBRegressor(objective="reg:quantileerror", quantile_alpha=np.array(SHARES), **common, **QUANTILES)
    spread.fit(rows[::2], truth[::2])
    return Learnt(point, spread, _moves(spread, held, hour), hour)


def _moves(spread: Any, held: Sequence[Window], hour: int) -> Array:
    """For each lead bucket and quantile: the quantile of what was missed, in widths of the band."""
    said = np.sort(spread.predict(np.concatenate([w.rows for w in held])).astype(float), axis=1)
    truth, of = np.concatenate([w.truth for w in held]), bucket(np.concatenate([w.leads for w in held]), hour)
    missed = (truth[:, None] - said) / _width(said)
    return np.array([[_share(missed[of == b, i], share) for i, share in enumerate(SHARES)] for b in range(len(LEAD_HOURS))])


def _share(missed: Array, share: float) -> float:
    return float(np.quantile(missed, share)) if len(missed) else 0.0


def _width(said: Array) -> Array:
    """Half the 80 % band: what a move is measured in, so that calm series are not widened by the noise of others."""
    wide: Array = np.maximum((said[:, [-2]] - said[:, [1]]) / 2, 1e-4)
    return wide


def moved(said: Array, moves: Array, leads: Leads, hour: int) -> Array:
    """Quantiles as they held; never crossing."""
    said = np.sort(said, axis=1)
    out: Array = np.sort(said + moves[bucket(leads, hour)] * _width(said), axis=1)
    return out
