"""What the last 90 minutes of a series say about where it is going: one bank of causal linear filters.

Means and slopes over several spans; the best single bend (how long ago a steady growth began or stopped, its slope
before and since, how far it has come); and how far the newest minutes left the line through the ones before them. Before
the beginning of a series the mean of its first `WARM_UP` minutes stands in, as if it had been flat: nothing here tells how
long a series is. Within the warm-up there is no answer.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]

WINDOW = 90  # minutes
WARM_UP = 5
MEANS = (3, 5, 15, 45)
SLOPES = (5, 10, 20, 40, 90)
DEPARTURES = (3, 6, 10)  # newest minutes against the line through the twenty before them
BEFORE = 20
BENDS = np.array([4, 6, 8, 11, 15, 20, 26, 33, 41, 50, 60, 72])  # minutes ago
BLOCK = 4_096  # rows at a time: 3 MB of windows


def _mean(span: int) -> Array:
    taps = np.zeros(WINDOW)
    taps[-span:] = 1 / span
    return taps


def _slope(span: int) -> Array:
    taps, ago = np.zeros(WINDOW), np.arange(span) - (span - 1) / 2
    taps[-span:] = ago / (ago @ ago)
    return taps


def _departure(span: int) -> Array:
    """The mean of the newest `span` minutes less what the line through the `BEFORE` earlier ones foretold."""
    ago = np.arange(BEFORE) - (BEFORE - 1) / 2
    ahead = (BEFORE + span) / 2
    taps = _mean(span)
    taps[-span - BEFORE : -span] = -(1 / BEFORE + ahead * ago / (ago @ ago))
    return taps


AGO = np.arange(WINDOW) - (WINDOW - 1.0)
BANK = np.stack([*map(_mean, MEANS), *map(_slope, SLOPES), *map(_departure, DEPARTURES)], axis=1)
NAMED = [f"mean {k}" for k in MEANS] + [f"slope {k}" for k in SLOPES] + [f"departure {k}" for k in DEPARTURES]
DESIGNS = [np.stack([np.ones(WINDOW), AGO, np.maximum(0, AGO + bend)], axis=1) for bend in BENDS]
SOLVERS = [np.linalg.pinv(design).T for design in DESIGNS]


def trends(values: Array) -> dict[str, Array]:
    """Of a series without gaps: one value a minute for each feature, meaningless within the warm-up."""
    if not len(values):
        return {name: np.empty(0) for name in (*NAMED, "age", "before", "since", "rise", "noise", "gain")}
    padded = np.concatenate([np.full(WINDOW - 1, values[:WARM_UP].mean()), values])
    windows = sliding_window_view(padded, WINDOW)
    blocks = [_block(windows[at : at + BLOCK]) for at in range(0, len(windows), BLOCK)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _block(windows: Array) -> dict[str, Array]:
    filtered = windows @ BANK
    found = {name: filtered[:, i] for i, name in enumerate(NAMED)}
    return found | _bend(windows)


def _bend(windows: Array) -> dict[str, Array]:
    """The line with one bend that fits best by least squares."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    total = np.square(centred).sum(axis=1)
    fitted = [centred @ solver for solver in SOLVERS]
    explained = np.stack([np.square(k @ d.T).sum(axis=1) for k, d in zip(fitted, DESIGNS, strict=True)], axis=1)
    best, rows = explained.argmax(axis=1), np.arange(len(windows))
    _, before, bend = np.stack(fitted, axis=1)[rows, best].T
    left = np.maximum(total - explained[rows, best], 0.0)
    age = BENDS[best].astype(float)
    return {
        "age": age,
        "before": before,
        "since": before + bend,
        "rise": bend * age,
        "noise": np.sqrt(left / (WINDOW - 4)),
        "gain": np.minimum(total / np.maximum(left, 1e-12 * np.maximum(total, 1e-300)), 1e6),
    }
