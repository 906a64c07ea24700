"""A `Model` from past runs: gradient-boosted trees over the coming intervals, made honest on episodes left out.

Numbered as it is done:
1. Every row's outcome is the interval of `EDGES` in which the breach came, or the last one: not within the hour.
2. `PARTS` times, the trees learn from all episodes but a part, and the temperature that makes their chances honest is found on
   that part (one number: the order of the answers stays). The model's answer is the mean of them.
3. The threshold of alarms is the lowest one from which on `PRECISION` of the first alarms of the episodes left out were followed
   by a breach within the hour.

Whole episodes are left out, never rows: neighbouring rows are nearly the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.failures.alarms import threshold
from reconciler.analysis.failures.model import EDGES, Model, Outlook, Rows, matrix, softmax

Array = NDArray[np.float64]

PARTS = 3
EVERY = 5  # rows; one of so many is learned from, since neighbours are nearly the same
PRECISION = 0.8
ROUNDS = 100
FEWEST = 6  # episodes with a breach, below which nothing is learned
TREES: dict[str, object] = {
    "objective": "multi:softprob",
    "num_class": len(EDGES) + 1,
    "max_depth": 4,
    "eta": 0.08,
    "subsample": 0.7,
    "colsample_bytree": 0.3,
    "min_child_weight": 10,
    "lambda": 5,
    "max_bin": 64,
    "tree_method": "hist",
    "nthread": 1,
}


def fit(names: tuple[str, ...], rows: Rows, minutes: Array, episodes: NDArray[np.int64], seed: int = 0) -> Model | None:
    """`minutes` to the breach, NaN where none came; `episodes` names the run of each row. None where too few broke."""
    runs, run = np.unique(episodes, return_inverse=True)
    if len(np.unique(run[np.isfinite(minutes)])) < FEWEST:
        return None
    part = (np.random.default_rng(seed).permutation(len(runs)) % PARTS)[run]
    outcome, chosen = intervals(minutes), np.arange(len(rows)) % EVERY == 0
    members, left_out = [], np.full(len(rows), np.nan)
    for out in range(PARTS):
        learn, check = chosen & (part != out), part == out
        booster = _trees(rows[learn], outcome[learn], seed + out)
        margins = booster.predict(matrix(rows[check]), output_margin=True)
        temperature = _temperature(margins, outcome[check])
        members.append((booster, temperature))
        left_out[check] = Outlook(softmax(margins / temperature)).within(EDGES[-1])
    alarming = threshold(run, left_out, outcome < len(EDGES), PRECISION)
    return Model(names, tuple(members), alarming)


def intervals(minutes: Array) -> NDArray[np.int64]:
    """Which interval a breach so many minutes ahead falls in; the last one for none within the hour."""
    return np.searchsorted(EDGES, np.nan_to_num(minutes, nan=np.inf)).astype(np.int64)


def _trees(rows: Rows, outcome: NDArray[np.int64], seed: int) -> Any:
    import xgboost  # heavy, and only where a model is made

    data = xgboost.QuantileDMatrix(rows, outcome, max_bin=TREES["max_bin"], nthread=1)
    return xgboost.train({**TREES, "seed": seed}, data, ROUNDS)


def _temperature(margins: Array, outcome: NDArray[np.int64]) -> float:
    """What to divide the log-odds by so that the outcomes are least surprising; more than 1 is less sure."""
    from scipy.optimize import minimize_scalar

    at = np.arange(len(outcome))

    def surprise(log_temperature: float) -> float:
        chances = softmax(margins / np.exp(log_temperature))
        return float(-np.log(np.maximum(chances[at, outcome], 1e-12)).mean())

    found = minimize_scalar(surprise, bounds=(-1.5, 1.5), method="bounded")
    return float(np.exp(found.x))
