"""Does a scaler chase its own effect? Its replicas swing up and down while demand stands still.

A loop whose gain is too high for its delay overshoots, sees that, and overshoots back. Two things look alike and are not:
a scaler that follows demand, and one whose demand lies just between two counts, so that it adds one replica and takes it
away at every look. The first is told by demand having moved as well, the second by being gone from the mean of two looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SWING = 0.15  # of the level; below, even a damped loop moves
LEAST = 0.5  # replicas, in the mean of two looks
WITHIN = 300.0  # seconds for two opposite swings


@dataclass(frozen=True, slots=True)
class Turn:
    """When replicas were seen to have swung, `up` or down, and by which share of their level."""

    time: float
    up: bool
    size: float


class Looks:
    """The mean of the newest two looks, and how high and low that was since `restart`."""

    def __init__(self) -> None:
        self._last = self.now = self.high = self.low = math.nan

    def look(self, value: float) -> None:
        self.now = value / 2 + (value if math.isnan(self._last) else self._last) / 2
        self._last = value
        self.high = self.now if math.isnan(self.high) else max(self.high, self.now)
        self.low = self.now if math.isnan(self.low) else min(self.low, self.now)

    def restart(self) -> None:
        self.high = self.low = self.now


class Swings:
    """The swings of one service's replicas."""

    def __init__(self) -> None:
        self._replicas, self._demand = Looks(), Looks()
        self._turn: Turn | None = None

    def see(self, time: float, replicas: float, demand: float) -> float | None:
        """The time of the first of two opposite swings that demand does not account for, once the second is seen."""
        if math.isfinite(demand):
            self._demand.look(demand)
        if not math.isfinite(replicas):
            return None
        self._replicas.look(replicas)
        turn, before = self._turned(time), self._turn
        if turn is None:
            return None
        alone = before is not None and turn.time - before.time <= WITHIN and not self._followed(turn)
        self._turn = turn
        self._replicas.restart()
        self._demand.restart()
        return before.time if before is not None and alone else None

    def _turned(self, time: float) -> Turn | None:
        """The swing that ends the last one, if there is one now; after a swing only the opposite one is looked for."""
        up = None if self._turn is None else self._turn.up
        seen = self._replicas
        fell, rose = _swing(seen.high, seen.now), _swing(seen.now, seen.low)
        if up is not False and fell:
            return Turn(time, up=False, size=fell)
        return Turn(time, up=True, size=rose) if up is not True and rose else None

    def _followed(self, turn: Turn) -> bool:
        """Whether demand, too, moved by half of the swing since the one before. Unknown demand accounts for nothing."""
        start = self._demand.low if turn.up else self._demand.high
        if not start > 0:
            return False
        return (self._demand.now / start - 1) * (1 if turn.up else -1) >= turn.size / 2


def _swing(high: float, low: float) -> float:
    """How far apart the two are, of their middle; 0 when that is no swing."""
    middle = high / 2 + low / 2
    apart = high - low
    return apart / middle if middle > 0 and apart >= LEAST and apart >= SWING * middle else 0.0
