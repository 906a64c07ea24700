"""Days of their own kind: holidays, sales, moves: what a calendar says in advance and no season knows.

They count twice. Behind: the past is told without them (`ordinary`), so that no profile takes a holiday for an hour of rest that
comes back. Ahead: where another one comes, its course is that of the last ones of its kind, at the level of today (`course`),
or of the days that stand in for them. Without either the forecast is left as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.forecasts.history import DAY, HOUR, Array, History
from reconciler.analysis.forecasts.methods import clipped, floor_of
from reconciler.model.occasions import Occasion, Span

BACK = (7, 14, 1, 2, 3)  # days before that stand in for one, the likest first
EARLIER = 3  # occasions of a kind that are asked
WEEK = 7 * DAY
Places = NDArray[np.intp]


def ordinary(history: History, occasions: Sequence[Occasion]) -> History:
    """The past with another day in the place of each that was none of the usual; nothing is taken from later."""
    values, count = history.values, len(history.values)
    special = _within(_times(history, np.arange(count)), [span for one in occasions for span in one.spans])
    if not special.any():
        return history
    told, left = values.copy(), special.copy()
    for days in BACK:
        at = np.flatnonzero(left)
        from_ = at - days * DAY
        fit = (from_ >= 0) & ~special[np.maximum(from_, 0)]
        told[at[fit]] = values[from_[fit]]
        left[at[fit]] = False
    return dataclasses.replace(history, values=told)


def course(history: History, usual: History, occasions: Sequence[Occasion]) -> Array:
    """What the steps of the next day will be like where an occasion says so; NaN elsewhere. `usual` is the `ordinary` past."""
    found = np.full(DAY, np.nan)
    ahead = _times(history, len(history.values) + np.arange(DAY))
    smooth = _smooth(history.values)
    for one in occasions:
        for span in one.spans:
            leads = np.flatnonzero((ahead >= span[0]) & (ahead < span[1]))
            earlier = _over(history, [s for s in one.spans if s != span]) or _over(history, one.like)
            if len(leads) and earlier:
                rows = [_row(history, smooth, usual.values, ahead[leads] - span[0], s) for s in earlier]
                found[leads] = _middle(np.array(rows))
    return found


def _times(history: History, places: Places) -> Array:
    """Milliseconds of steps, counted from the first."""
    return 1000 * (history.end_s + (places.astype(np.float64) - (len(history.values) - 1)) * history.step_s)


def _within(times: Array, spans: Sequence[Span]) -> NDArray[np.bool_]:
    found = np.zeros(len(times), np.bool_)
    for start, end in spans:
        found |= (times >= start) & (times < end)
    return found


def _over(history: History, spans: Sequence[Span]) -> list[Span]:
    """The last ones that history holds from begin to end."""
    first = float(_times(history, np.array([0]))[0])
    return sorted(s for s in spans if s[0] >= first and s[1] <= 1000 * history.end_s)[-EARLIER:]


def _smooth(values: Array) -> Array:
    """Means over an hour: a single day's noise is not to be foretold."""
    hour = np.ones(HOUR + 1)
    return np.asarray(np.convolve(values, hour, "same") / np.convolve(np.ones(len(values)), hour, "same"), dtype=float)


def _row(history: History, smooth: Array, usual: Array, since_ms: Array, span: Span) -> Array:
    """One earlier day's values as long after its begin, at the level of today; NaN after its end."""
    begin = len(smooth) - 1 + round((span[0] / 1000 - history.end_s) / history.step_s)
    at = begin + np.rint(since_ms / 1000 / history.step_s).astype(np.intp)
    known = (at >= 0) & (at < len(smooth)) & (since_ms < span[1] - span[0])
    level = 1.0
    if begin >= WEEK:
        level = clipped(np.median(usual[-WEEK:]), np.median(usual[begin - WEEK : begin]), floor_of(usual))
    return np.where(known, smooth[np.clip(at, 0, len(smooth) - 1)] * level, np.nan)


def _middle(rows: Array) -> Array:
    """By step, of the rows that reach it."""
    found: Array = np.array([np.median(known) if len(known := row[~np.isnan(row)]) else np.nan for row in rows.T])
    return found
