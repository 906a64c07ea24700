"""Who waits for whom, learned from a normal period where nobody gives the calls: bounded, and only what is found repeatedly.

1. One series for each service, its latency, else its self time: as changes from sample to sample on a logarithmic scale, less
   what all services do at once, so that trends and common load bind nobody.
2. A known mechanism gives the direction: a caller's latency contains that of what it waits for, so only quicker services may be
   waited for. The order leaves no cycles.
3. Score: what a service waits for is chosen one by one, the one that gains the most, while the gain pays for it (BIC).
4. Constraint: what is independent given the others that were chosen is dropped again (Fisher's z).
5. Stability: all this on random halves of the samples. An edge is kept that is found in `STABLE` of them.
"""

from __future__ import annotations

import warnings

import numpy as np

from reconciler.analysis.causes.departures import PEERS, SIGMA
from reconciler.analysis.causes.kinds import Kind
from reconciler.analysis.causes.recording import Array, Recording
from reconciler.analysis.causes.windows import Indices, Mask, Windows

HALVES, SEED = 20, 20_260_101
STABLE = 0.8
MOST = 4  # that one service waits for
CANDIDATES = 12  # looked at for each, the most correlated
LEAST = 40  # samples, below which nothing is learned
PRICE = 2.0  # logarithms of the number of samples that one more must gain: one for itself, one for having been picked
SURE = 3.0  # deviations of Fisher's z
CLIP = 4.0  # robust deviations: one bad sample binds nobody
LARGEST = 400  # services
PREFERRED = (Kind.LATENCY, Kind.SELF)


def learned(recording: Recording, found: Windows) -> tuple[tuple[str, str, float], ...]:
    """(who waits, for whom, share of the halves that found it), the surest first; empty where too little is known."""
    names, table = _series(recording, found.reference)
    if len(names) < 2 or len(table) < LEAST:
        return ()
    order = np.argsort(-np.nanmedian(table, axis=0), kind="stable")  # the slowest first
    changes = _changes(table[:, order])
    rng = np.random.default_rng(SEED)
    counted = np.zeros((len(order), len(order)))
    for _ in range(HALVES):
        half = rng.permutation(len(changes))[: len(changes) // 2]
        counted += _waits(changes[half])
    pairs = sorted(((float(counted[a, b]) / HALVES, a, b) for a, b in np.argwhere(counted >= STABLE * HALVES)), reverse=True)
    return tuple((names[order[a]], names[order[b]], share) for share, a, b in pairs)


def _series(recording: Recording, reference: Mask) -> tuple[list[str], Array]:
    chosen: dict[str, int] = {}
    for kind in PREFERRED:
        for index, column in enumerate(recording.columns):
            values = recording.values[reference, index]
            if column.kind is kind and np.isfinite(values).mean() > 0.5 and np.nanstd(values) > 0:
                chosen.setdefault(column.service, index)
    kept = dict(list(chosen.items())[:LARGEST])
    return list(kept), recording.values[reference][:, list(kept.values())]


def _changes(table: Array) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a sample that nobody measured has no median: NaN is the answer
        change = np.diff(np.log1p(np.maximum(table, 0.0) / np.maximum(np.nanmedian(table, axis=0), 1e-12)), axis=0)
        if change.shape[1] >= PEERS:
            change -= np.nanmedian(change, axis=1, keepdims=True)
        spread = SIGMA * np.nanmedian(np.abs(change - np.nanmedian(change, axis=0)), axis=0)
    scaled: Array = np.clip(np.nan_to_num(change / np.where(spread > 0, spread, np.inf)), -CLIP, CLIP)
    return scaled


def _waits(changes: Array) -> Array:
    """Row waits for column; rows are in order, so that only later columns are looked at."""
    number, many = changes.shape
    with np.errstate(invalid="ignore", divide="ignore"):
        together = np.nan_to_num(np.atleast_2d(np.corrcoef(changes, rowvar=False)))
    waits = np.zeros((many, many))
    for caller in range(many - 1):
        later = np.arange(caller + 1, many)
        near = later[np.argsort(-together[caller, later], kind="stable")[:CANDIDATES]]
        waits[caller, _chosen(together, caller, near, number)] = 1.0
    return waits


def _chosen(together: Array, caller: int, near: Indices, number: int) -> list[int]:
    every = np.array([caller, *near], dtype=np.intp)
    left = together[np.ix_(every, every)].copy()  # what is left to explain once those chosen are known
    chosen: list[int] = []
    while len(chosen) < min(MOST, len(near)):
        known = np.diag(left)[1:] > 1e-6
        gain = np.where(known, left[0, 1:] ** 2 / np.where(known, np.diag(left)[1:], 1.0), 0.0)
        best = int(np.argmax(gain))
        if -number * np.log(max(1e-9, 1.0 - gain[best] / max(left[0, 0], 1e-9))) <= PRICE * np.log(number):
            break
        chosen.append(int(near[best]))
        column = left[:, best + 1].copy()
        left -= np.outer(column, column) / left[best + 1, best + 1]
    return [c for c in chosen if _depends(together, caller, c, [o for o in chosen if o != c], number)]


def _depends(together: Array, caller: int, on: int, given: list[int], number: int) -> bool:
    """By the partial correlation."""
    every = [caller, on, *given]
    inverse = np.linalg.inv(together[np.ix_(every, every)] + 1e-6 * np.eye(len(every)))
    partial = -inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1])
    return bool(np.arctanh(np.clip(partial, -0.999999, 0.999999)) * np.sqrt(max(1.0, number - len(given) - 3.0)) > SURE)
