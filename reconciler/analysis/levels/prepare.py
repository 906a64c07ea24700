"""A series as the committee looks at it: in order, without gaps, seasons and single spikes, scaled to a spread of one."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reconciler.analysis.levels.evidence import Array

SIGMA = 1.4826
SPIKE = 8.0  # robust deviations from the neighbours' median
NEAR = 5  # samples around a spike, itself among them
SEASONAL = 0.5  # autocorrelation of the steps from which on a period counts
CYCLES = 4  # at least that many must have been seen


def ordered(values: Array, times: Array | None) -> tuple[Array, Array]:
    """(rows of finite values, their times) by time; of several rows at one time the last that came."""
    rows = np.asarray(values, dtype=np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    clock = np.arange(len(rows), dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
    if len(clock) != len(rows):
        raise ValueError(f"{len(rows)} values have {len(clock)} times: give one time for each value")
    known = np.isfinite(rows).all(axis=1) & np.isfinite(clock)
    rows, clock = rows[known], clock[known]
    order = np.argsort(clock, kind="stable")
    rows, clock = rows[order], clock[order]
    last = np.ones(len(clock), dtype=np.bool_)
    last[:-1] = clock[1:] != clock[:-1]
    return rows[last], clock[last]


def blocks(rows: Array, size: int) -> Array:
    """The median of each `size` rows; a rest at the end joins the last block."""
    if size == 1:
        return rows
    count = len(rows) // size
    cut = [rows[i * size : (i + 1) * size if i + 1 < count else len(rows)] for i in range(count)]
    return np.array([np.median(c, axis=0) for c in cut])


def prepared(column: Array) -> Array:
    """One column, deseasoned, despiked and scaled; zeros where nothing ever differs."""
    largest = np.abs(column).max()
    if largest == 0:
        return np.zeros_like(column)
    return _scaled(without_season(_without_spikes(_scaled(column / largest))))


def _scaled(values: Array) -> Array:
    centred = values - values.mean()
    spread = float(centred.std())
    # what is left of a constant after the arithmetic of centring is no difference
    return np.zeros_like(values) if spread <= 1e-12 * max(1.0, float(np.abs(values).max())) else centred / spread


def _without_spikes(values: Array) -> Array:
    """A sample far beyond its neighbours is drawn to them; the edge of a step has neighbours of its own and stays."""
    if len(values) < NEAR:
        return values
    near: Array = np.median(sliding_window_view(np.pad(values, NEAR // 2, mode="edge"), NEAR), axis=-1)
    apart = values - near
    limit = SPIKE * SIGMA * float(np.median(np.abs(apart)))
    return values if limit == 0 else near + np.clip(apart, -limit, limit)


def period(values: Array) -> int:
    """The shortest lag at which the steps of a series repeat; 0 when they do not."""
    steps = np.diff(values)
    steps = steps - steps.mean() if len(steps) else steps
    most = len(values) // CYCLES
    power = float((steps * steps).sum())
    if power == 0 or most < 5:
        return 0
    alike = [float((steps[:-lag] * steps[lag:]).sum()) / power for lag in range(1, most)]
    found = 0
    for lag in range(4, len(alike)):
        own = alike[lag - 1]
        peak = own >= alike[lag - 2] and own >= alike[lag]
        if peak and own > SEASONAL and (not found or own > alike[found - 1] + 0.1):
            found = lag
    return found


def without_season(values: Array) -> Array:
    """Less the median departure from the moving mean at each phase of the period, where there is one."""
    lag = period(values)
    if not lag:
        return values
    padded = np.pad(values, (lag // 2, lag - 1 - lag // 2), mode="edge")
    around = values - np.convolve(padded, np.ones(lag) / lag, "valid")
    phase: NDArray[np.intp] = np.arange(len(values)) % lag
    season = np.array([np.median(around[phase == k]) for k in range(lag)])
    left: Array = values - season[phase]
    return left
