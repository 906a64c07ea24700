"""Changes as they happen: Bayesian online change-point detection (Adams and MacKay, 2007) with a bounded memory.

Before each sample stands a belief about how long the present piece has lasted. Each length predicts the sample from what it
has seen (a Student t); those that predict it badly lose belief, and a new piece may always have begun. Only the likeliest
`LENGTHS` are kept, so that a sample costs the same after a year as after a minute. Samples count for a `SHARE` only, as in
`evidence`. A change is told once half of the belief is on pieces that began near one place after the last change; nothing
is ever taken back, and no later sample enters an earlier answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from reconciler.analysis.levels.evidence import SHAPE, TIES, Array

LENGTHS = 300
WARM = 20  # samples before anything is said: they give the unit
SHARE = 1 / 5  # the committee's most cautious: nobody can vote an alarm down, and the unit is known from the warm-up only
GRAIN = 0.3
EXPECTED = 1_000.0  # samples between changes, before anything is known
LEAST = 5  # samples of a new piece before it is believed
NEAR = 5
BELIEF = 0.5
FAR = 1e6  # in units of the warm-up; beyond, a sample says no more


@dataclass(frozen=True, slots=True)
class Alarm:
    """The change began at sample `index` and was told at sample `told`; the levels are means of the two pieces."""

    index: int
    told: int
    before: float
    after: float
    confidence: float


class Watch:
    """One running series. Samples that are no numbers are counted and otherwise passed over."""

    def __init__(self) -> None:
        self._warm: list[tuple[int, float]] = []
        self._seen = 0
        self._centre, self._unit = 0.0, 0.0
        self._start = 0
        self._told: list[float] = [0.0, 0.0]  # samples and their sum since the last change that was told
        self._began = np.zeros(0, dtype=np.intp)
        self._belief, self._count, self._mean, self._scale = (np.zeros(0) for _ in range(4))

    @property
    def known(self) -> bool:
        """Whether the unit is known: enough samples, and they differ."""
        return self._unit > 0

    def sample(self, value: float) -> Alarm | None:
        """Takes the next sample; answers a change that is believed from now on."""
        index = self._seen
        self._seen += 1
        if not math.isfinite(value):
            return None
        if not self.known:
            self._warm_up(index, value)
            return None
        self._learn(index, float(np.clip(value / self._unit - self._centre, -FAR, FAR)))
        return self._tell(index)

    def _warm_up(self, index: int, value: float) -> None:
        self._warm.append((index, value))
        first = np.array([v for _, v in self._warm])
        largest = float(np.abs(first).max())
        if len(first) < WARM or largest == 0:
            self._warm = self._warm[-10 * WARM :]
            return
        spread = float((first / largest).std())
        if spread <= 1e-12:
            self._warm = self._warm[-10 * WARM :]
            return
        self._unit = spread * largest
        self._centre = float((first / largest).mean()) / spread
        self._start = self._warm[0][0]
        for at, v in self._warm:
            self._learn(at, v / self._unit - self._centre)
        self._warm = []

    def _learn(self, index: int, value: float) -> None:
        """Weighs the lengths by how they foresaw the sample, opens a new piece at it, and lets every piece learn it."""
        hazard = 0.0 if not len(self._began) else 1 / EXPECTED
        fresh = 0.0 if hazard else 1.0
        began = np.append(self._began, index)
        belief = np.append(self._belief * (1 - hazard), hazard * self._belief.sum() + fresh)
        count, mean = np.append(self._count, 0.0), np.append(self._mean, 0.0)
        scale = np.append(self._scale, GRAIN)
        logs = np.log(np.maximum(belief, 1e-300)) + SHARE * _foreseen(value, count, mean, scale)
        logs -= logs.max()
        belief = np.exp(logs)
        weight = TIES + count
        scale = scale + SHARE * weight * (value - mean) ** 2 / (2 * (weight + SHARE))
        mean = (weight * mean + SHARE * value) / (weight + SHARE)
        count = count + SHARE
        if len(began) > LENGTHS:
            kept = np.sort(np.argsort(belief)[-LENGTHS:])
            began, belief, count, mean, scale = began[kept], belief[kept], count[kept], mean[kept], scale[kept]
        self._began, self._belief = began, belief / belief.sum()
        self._count, self._mean, self._scale = count, mean, scale

    def _tell(self, index: int) -> Alarm | None:
        likeliest = int(np.argmax(self._belief))
        at = int(self._began[likeliest])
        if at < self._start + LEAST or index - at + 1 < LEAST:
            return None
        sure = float(self._belief[np.abs(self._began - at) <= NEAR].sum())
        if sure <= BELIEF:
            return None
        before = self._level(self._start)
        self._start = at
        return Alarm(at, index, before, self._level(at), sure)

    def _level(self, start: int) -> float:
        """What the piece that is remembered to begin nearest to `start` has learnt, in the unit of the series."""
        nearest = int(np.argmin(np.abs(self._began - start)))
        learnt = float(self._mean[nearest] * (TIES + self._count[nearest]) / self._count[nearest])
        return (learnt + self._centre) * self._unit


def _foreseen(value: float, count: Array, mean: Array, scale: Array) -> Array:
    """The log density of the sample under each piece's Student t."""
    shape = SHAPE + count / 2
    weight = TIES + count
    width = 2 * scale * (weight + 1) / weight  # times the degrees of freedom, 2 shape, over 2 shape
    density: Array = gammaln(shape + 0.5) - gammaln(shape) - 0.5 * np.log(np.pi * width)
    density -= (shape + 0.5) * np.log1p((value - mean) ** 2 / width)
    return density
