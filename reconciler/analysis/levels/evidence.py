"""What a stretch of samples says for being one piece: the evidence of a Bayesian model of it, for every stretch in O(1).

A stretch has a level and a spread that nobody knows (a normal-inverse-gamma prior over both), and, where a trend is allowed,
perhaps a slope as well: then both readings are priced, and the sum halved. Integrating the unknowns out
is what makes a penalty by hand unnecessary: a further piece has to pay for its own level, slope and spread.

Samples of a live system remember the ones before. n samples with autocorrelation r say as much about their level as
n (1 - r) / (1 + r) independent ones, so every sample counts for that `share` only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]
Places = NDArray[np.intp]

SHAPE = 1.0  # of the inverse gamma prior over the variance: as vague as keeps its evidence finite
TIES = 1.0  # weight of the prior over level and slope, in samples


@dataclass(frozen=True, slots=True)
class Assumption:
    """`share` of a sample that counts; `grain`: the variance, of a series scaled to one, below which differences say little."""

    share: float
    grain: float
    trend: bool


class Stretch:
    """Prices stretches [start, end) of a scaled series; lower is likelier to be one piece."""

    def __init__(self, values: Array, assumed: Assumption) -> None:
        n = len(values)
        self._assumed = assumed
        self._middle = n / 2
        at = np.arange(n) - self._middle
        self._sum, self._squares, self._products = (
            np.concatenate(([0.0], np.cumsum(v))) for v in (values, values * values, at * values)
        )
        counted = np.arange(n + 1) * assumed.share
        self._shape = SHAPE + counted / 2
        self._fixed = gammaln(self._shape) - gammaln(SHAPE) + SHAPE * math.log(assumed.grain)
        self._fixed += 0.5 * np.log(TIES / (TIES + counted))

    def cost(self, starts: Places, end: int) -> Array:
        """Minus the log evidence of each [start, end)."""
        length = end - starts
        total = self._sum[end] - self._sum[starts]
        mean = total / length
        inner = np.maximum(self._squares[end] - self._squares[starts] - total * mean, 0.0)
        counted = self._assumed.share * length
        scale = self._assumed.grain + self._assumed.share * inner / 2
        scale += TIES * counted * mean * mean / (2 * (TIES + counted))
        fixed, shape = self._fixed[length], self._shape[length]
        flat: Array = shape * np.log(scale) - fixed
        if not self._assumed.trend:
            return flat
        explained, weight = self._slope(starts, end, total)
        left = np.maximum(scale - explained, self._assumed.grain)
        sloped = shape * np.log(left) - fixed - 0.5 * np.log(TIES / weight)
        either: Array = math.log(2) - np.logaddexp(-flat, -sloped)
        return either

    def _slope(self, starts: Places, end: int, total: Array) -> tuple[Array, Array]:
        """What a slope explains of the scale, and the weight of what is known about it; time runs from -1 to 1."""
        length = end - starts
        share = self._assumed.share
        centre = (starts + end - 1) / 2 - self._middle
        half = np.maximum(length / 2, 1.0)
        together = (self._products[end] - self._products[starts] - centre * total) / half
        weight = TIES + share * length * (length * length - 1.0) / 12 / half**2
        return (share * together) ** 2 / (2 * weight), weight
