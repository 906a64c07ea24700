"""Do two hands hold one lever? A fight between controllers: replicas go back and forth between the same two counts.

A scaler that hunts passes other counts on its way, and one whose demand lies just between two counts moves by a single replica:
neither is a fight. Two writers each put back what they want, so the same two counts return, far apart, while demand stands still.
"""

from __future__ import annotations

import math
from collections import deque

FLIPS = 4  # moves between the two counts
WITHIN = 300.0  # seconds
APART, SHARE = 2.0, 0.25  # replicas, and of the larger count
STILL = 0.15  # of the demand


class Flips:
    """The moves of one service's replicas."""

    def __init__(self) -> None:
        self._last = math.nan
        self._moves: deque[tuple[float, float, float, float]] = deque(maxlen=FLIPS)  # time, from, to, demand

    def see(self, time: float, replicas: float, demand: float) -> float | None:
        """When the first of the moves was, once there are enough."""
        if not math.isfinite(replicas):
            return None
        last, self._last = self._last, replicas
        if math.isnan(last) or replicas == last:
            return None
        self._moves.append((time, last, replicas, demand))
        first = self._moves[0]
        pair = {first[1], first[2]}
        apart = max(pair) - min(pair)
        alone = len(self._moves) == FLIPS and time - first[0] <= WITHIN and all({a, b} == pair for _, a, b, _ in self._moves)
        if not alone or apart < max(APART, SHARE * max(pair)) or not self._still():
            return None
        self._moves.clear()
        return first[0]

    def _still(self) -> bool:
        """Demand that is not known explains nothing, and excuses nothing."""
        known = [demand for *_, demand in self._moves if math.isfinite(demand)]
        return not known or max(known) - min(known) <= STILL * max(known)
