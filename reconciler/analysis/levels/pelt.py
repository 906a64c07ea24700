"""The division of a series into pieces with the least total cost (PELT: Killick, Fearnhead and Eckley, 2012).

Exact dynamic programming over the last change. A start is dropped for good once continuing from it costs more than what any
later gain can repay. For an evidence, splitting can cost something at most logarithmic in the length, which `slack` covers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reconciler.analysis.levels.evidence import Array, Places

Cost = Callable[[Places, int], Array]


def divide(cost: Cost, n: int, penalty: float, least: int, slack: float) -> list[int]:
    """Where new pieces begin, in order; none before `least` nor after n - `least`."""
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    before = np.zeros(n + 1, dtype=np.intp)
    starts = np.zeros(1, dtype=np.intp)
    for end in range(least, n + 1):
        if end - least >= least:
            starts = np.append(starts, end - least)
        totals = best[starts] + cost(starts, end)
        chosen = int(np.argmin(totals))
        best[end] = totals[chosen] + penalty
        before[end] = starts[chosen]
        starts = starts[totals <= best[end] + slack]
    found = []
    at = int(before[n])
    while at > 0:
        found.append(at)
        at = int(before[at])
    return found[::-1]
