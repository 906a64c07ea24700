"""A `Model` from past runs: gradient-boosted trees over the coming intervals, made honest on episodes left out.

Numbered as it is done:
1. Every row's outcome is the interval of `EDGES` in which the breach came, or the last one: not within the hour.
2. `PARTS` times, the trees learn from all episodes but a part, and the temperature that makes their chances honest is found on
   that part (one number: the order of the answers stays). The model's answer is the mean of them. Every part has its share of
   the episodes that broke: of few, chance could put all into one.
3. The threshold of alarms is the lowest one from which on `PRECISION` of the first alarms of the episodes left out were followed
   by a breach within the hour.
4. What the model is worth is said by the answers that were left out: their average precision beside the share of rows that a
   breach followed.

Whole episodes are left out, never rows: neighbouring rows are nearly the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.failures.alarms import threshold
from reconciler.analysis.failures.model import EDGES, Model, Outlook, Rows, Worth, matrix, softmax

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


@dataclass(frozen=True, slots=True)
class Past:
    """What is learned from. `minutes` to the breach, NaN where none came; `runs` names the run of each row, and each row stands
    for so many like it (`weights`).
    """

    rows: Rows
    minutes: Array
    runs: NDArray[np.int64]
    weights: Array | None = None  # None: each for itself


def fit(names: tuple[str, ...], past: Past, seed: int = 0, every: int = EVERY) -> Model | None:
    """None where too few runs broke. One of `every` rows is learned from."""
    ids, run = np.unique(past.runs, return_inverse=True)
    broke = np.zeros(len(ids), np.bool_)
    broke[run[np.isfinite(past.minutes)]] = True
    if broke.sum() < FEWEST:
        return None
    weights = np.ones(len(run)) if past.weights is None else past.weights
    part, outcome, chosen = _parts(broke, seed)[run], intervals(past.minutes), np.arange(len(run)) % every == 0
    members, left_out = [], np.full(len(run), np.nan)
    for out in range(PARTS):
        learn, check = chosen & (part != out), part == out
        booster = _trees(past.rows[learn], outcome[learn], weights[learn], seed + out)
        margins = booster.predict(matrix(past.rows[check]), output_margin=True)
        temperature = _temperature(margins, outcome[check], weights[check])
        members.append((booster, temperature))
        left_out[check] = Outlook(softmax(margins / temperature)).within(EDGES[-1])
    soon = outcome < len(EDGES)
    alarming = threshold(run, left_out, soon, PRECISION, weights)
    return Model(names, tuple(members), alarming, _worth(soon, left_out, weights, broke))


def _parts(broke: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """The part of each run. Where fewer lasted than there are parts, nothing can be shared out."""
    from sklearn.model_selection import StratifiedKFold

    found = np.empty(len(broke), np.int64)
    kind = broke if (~broke).sum() >= PARTS else np.ones_like(broke)
    for part, (_, out) in enumerate(StratifiedKFold(PARTS, shuffle=True, random_state=seed).split(kind, kind)):
        found[out] = part
    return found


def _worth(soon: NDArray[np.bool_], chances: Array, weights: Array, broke: NDArray[np.bool_]) -> Worth:
    from sklearn.metrics import average_precision_score

    precision = average_precision_score(soon, chances, sample_weight=weights)
    return Worth(len(broke), int(broke.sum()), float(precision), float(np.average(soon, weights=weights)))


def intervals(minutes: Array) -> NDArray[np.int64]:
    """Which interval a breach so many minutes ahead falls in; the last one for none within the hour."""
    return np.searchsorted(EDGES, np.nan_to_num(minutes, nan=np.inf)).astype(np.int64)


def _trees(rows: Rows, outcome: NDArray[np.int64], weights: Array, seed: int) -> Any:
    import xgboost  # heavy, and only where a model is made

    data = xgboost.QuantileDMatrix(rows, outcome, weight=weights, max_bin=TREES["max_bin"], nthread=1)
    return xgboost.train({**TREES, "seed": seed}, data, ROUNDS)


def _temperature(margins: Array, outcome: NDArray[np.int64], weights: Array) -> float:
    """What to divide the log-odds by so that the outcomes are least surprising; more than 1 is less sure."""
    from scipy.optimize import minimize_scalar

    at = np.arange(len(outcome))

    def surprise(log_temperature: float) -> float:
        chances = softmax(margins / np.exp(log_temperature))
        return -float(np.average(np.log(np.maximum(chances[at, outcome], 1e-12)), weights=weights))

    found = minimize_scalar(surprise, bounds=(-1.5, 1.5), method="bounded")
    return float(np.exp(found.x))
