"""How surprising a figure is beside its own past: minus the decimal logarithm of a tail probability.

Every view of a series (`views`) has its own unit; this brings them to one scale, so that they can be added and so that one
limit fits every series. The share of earlier figures at least as large is a conformal p-value; beyond the top tenth, where
counting runs out, a Pareto tail goes on (its scale from the mean excess, its shape fixed).

Causal: the tail is fitted to figures before a block and judges the block; blocks grow with the history, since a tenth more
or less history changes a tail little. Until `WARM` figures are known the answer is NaN: unknown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WARM = 150  # samples before the first answer: half a day at 5 minutes
UNSETTLED = 50  # the first figures of a view compare with next to nothing, and would hide what comes later
TOP = 0.1  # share of the past that is the tail
LEAST_TOP = 10
SHAPE = 0.6  # of the Pareto tail: heavy, as the tails of load are
OUTSIZE = 100.0  # times the mean of the lower nine tenths: an excess counts as that much at most
FURTHEST = 1e6  # excess in units of the tail's scale; more says no more


def surprise(figures: Array, floor: Array) -> Array:
    """-log10 P(a figure this large) for each figure from the figures before it; NaN where unknown.

    `floor` is the smallest excess that means anything at each sample: rounding errors are no surprise.
    """
    found = np.full(len(figures), np.nan)
    start = WARM
    while start < len(figures):
        stop = min(len(figures), start + max(10, start // 50))
        found[start:stop] = _against(np.sort(figures[UNSETTLED:start]), figures[start:stop], floor[start:stop])
        start = stop
    return found


def _against(past: Array, now: Array, floor: Array) -> Array:
    """`past` is sorted."""
    top = max(LEAST_TOP, int(TOP * len(past)))
    edge = past[-top - 1]
    scale = np.maximum(_mean(past[-top:] - edge) * (1 - SHAPE), floor)
    reached = (len(past) - np.searchsorted(past, now, side="left")) / len(past)
    share = np.maximum(reached, top / len(past))
    beyond = np.maximum(now - edge, 0.0)
    excess = np.minimum(np.divide(beyond, scale, out=np.zeros_like(beyond), where=scale > 0), FURTHEST)
    found: Array = -np.log10(share) + np.log10(1 + SHAPE * excess) / SHAPE
    return found


def _mean(excess: Array) -> float:
    """Of the tail's excesses, sorted; one that is out of all proportion must not blind the tail to all others."""
    usual = float(excess[: max(1, int(0.9 * len(excess)))].mean())
    return float(np.minimum(excess, OUTSIZE * usual).mean() if usual > 0 else excess.mean())
