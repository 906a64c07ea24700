"""One origin as rows for gradient boosting: a row a lead, every number relative to the series' own size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.forecasts.history import DAY, HOUR, Array
from reconciler.analysis.forecasts.methods import Leads, days_of, floor_of, low_median, stable

Rows = NDArray[np.float32]
WIDEST = 1e6  # relative to the series' size; boosting splits, so farther says no more


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """`methods` by name in the series' own unit; `rows` divided by `size`."""

    rows: Rows
    methods: dict[str, Array]
    size: float


def described(values: Array, x: Array, hour: int, leads: Leads) -> Table:
    """`values` is the raw history, `x` the same at the resolution asked for."""
    methods = stable(x, hour, leads)
    size = size_of(x, hour)
    days = days_of(x, hour)
    shared = np.concatenate([_spreads(x, days, hour) / size, _now(values) / size, _misses(days, size)])
    own = np.stack([*methods.values(), days[:, leads].std(axis=0)], axis=1) / size
    columns = [own, np.tile(shared, (len(leads), 1)), ((leads + 1) / hour)[:, None], np.full((len(leads), 1), float(len(days)))]
    rows: Rows = np.clip(np.concatenate(columns, axis=1), -WIDEST, WIDEST).astype(np.float32)
    return Table(rows, methods, size)


def size_of(x: Array, hour: int) -> float:
    """The usual size over the last day; the mean where most of it is zero."""
    day = np.abs(x[-24 * hour :])
    middle = float(np.median(day))
    return max(middle, floor_of(days_of(x, hour)))


def _spreads(x: Array, days: Array, hour: int) -> Array:
    day, now = x[-24 * hour :], x[-6 * hour :]
    usual = np.median(days, axis=0)
    quantiles = np.quantile(day, [0, 0.1, 0.9, 1])
    spreads = [now.std(), day.std(), np.abs(np.diff(day)).mean(), np.abs(np.diff(now)).mean()]
    around = [np.abs(days - usual).mean(), np.abs(days[-1] - usual).mean(), now.min(), now.max()]
    return np.array([*spreads, *around, *quantiles])


def _now(values: Array) -> Array:
    """The last hour at full resolution: an hourly mean hides where within the hour it moved."""
    hour, day = values[-HOUR:], values[-DAY:]
    recent = [values[-1], values[-3:].mean(), values[-6:].mean(), np.median(values[-6:])]
    return np.array(
        [*recent, np.median(hour), hour.min(), hour.max(), np.median(values[-3 * HOUR :]), np.median(day), np.quantile(day, 0.9)]
    )


def _misses(days: Array, size: float) -> Array:
    """How far off yesterday the profile, the seasonal naive and a flat line were: which of them to believe."""
    yesterday, usual = days[-1], np.median(days[:-1], axis=0)
    floor = floor_of(days)
    scale = np.maximum(np.abs(yesterday), floor)
    flat = low_median(days[-2], floor)
    missed = [np.mean(np.abs(yesterday - f) / scale) for f in (usual, days[-2], flat)]
    return np.array([*missed, float(np.median(yesterday - usual)) / size])
