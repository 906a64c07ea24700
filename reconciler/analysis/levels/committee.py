"""Changes in hindsight: eighteen ways to divide the series, and a majority.

Nobody can know from a short series how long its noise remembers or how fine a difference matters, and each of these
assumptions moves the answer. So each is made at three values that span the plausible, with and without trends, and a change
counts when more than half of the members place one there. Steps:
1. order the samples, drop gaps, take out season and spikes, scale (`prepare`); thin long series to block medians;
2. every member divides the series (`pelt`) by its evidence (`evidence`);
3. votes within `NEAR` of each other are one change, at the median of the votes, majorities first;
4. thinned changes are placed exactly on the whole series; sizes are in the unit of the series.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from reconciler.analysis.levels.evidence import Array, Assumption, Places, Stretch
from reconciler.analysis.levels.pelt import Cost, divide
from reconciler.analysis.levels.prepare import blocks, ordered, prepared

LEAST = 5  # samples of a piece
NEAR = 5  # samples between votes for one change
LONGEST = 600  # what is looked at; longer series are thinned
MAJORITY = 0.5
# A sample counts for 1/2, 1/3, 1/5 of an independent one: autocorrelations of 1/3, 1/2, 2/3.
COMMITTEE = tuple(
    Assumption(share, grain, trend)
    for share, grain, trend in itertools.product((1 / 2, 1 / 3, 1 / 5), (1.0, 0.3, 0.1), (False, True))
)


@dataclass(frozen=True, slots=True)
class Change:
    """The first sample of the new piece. `before` and `after` are the medians of the two pieces, one for each column."""

    index: int
    time: float
    before: tuple[float, ...]
    after: tuple[float, ...]
    confidence: float

    @property
    def size(self) -> tuple[float, ...]:
        return tuple(b - a for a, b in zip(self.before, self.after, strict=True))


@dataclass(frozen=True, slots=True)
class Found:
    """`index` counts known samples in the order of time. Not `known`: too few samples to say."""

    changes: tuple[Change, ...]
    samples: int

    @property
    def known(self) -> bool:
        return self.samples >= 2 * LEAST


def changes(values: Array, times: Array | None = None) -> Found:
    """The changes of a series (or of several columns that change together), looking back over all of it."""
    rows, clock = ordered(np.asarray(values), times)
    found = Found((), len(rows))
    if not found.known:
        return found
    size = math.ceil(len(rows) / LONGEST)
    columns = [prepared(column) for column in blocks(rows, size).T]
    columns = [c for c in columns if c.any()]
    if not columns:
        return found
    voted = _majorities([_division(columns, member) for member in COMMITTEE])
    places = _placed(rows, [at for at, _ in voted], size)
    return Found(_described(rows, clock, places, [share for _, share in voted]), len(rows))


def _division(columns: list[Array], member: Assumption) -> list[int]:
    stretches = [Stretch(c, member) for c in columns]
    n = len(columns[0])

    def cost(starts: Places, end: int) -> Array:
        total: Array = np.sum([s.cost(starts, end) for s in stretches], axis=0)
        return total

    typed: Cost = cost
    return divide(typed, n, math.log(n), LEAST, slack=3 * len(columns) * math.log(n))


def _majorities(ballots: list[list[int]]) -> list[tuple[int, float]]:
    """(place, share of votes) of every change that a majority sees, in order."""
    votes = [(member, at) for member, ballot in enumerate(ballots) for at in ballot]
    elected = []
    while votes:
        place, near = max(
            ((at, [v for v in votes if abs(v[1] - at) <= NEAR]) for at in sorted({at for _, at in votes})),
            key=lambda c: (len({m for m, _ in c[1]}), -sum(abs(at - c[0]) for _, at in c[1])),
        )
        share = len({m for m, _ in near}) / len(ballots)
        if share <= MAJORITY:
            break
        elected.append((int(np.median([at for _, at in near])), share))
        votes = [v for v in votes if abs(v[1] - place) > NEAR]
    return sorted(elected)


def _placed(rows: Array, places: list[int], size: int) -> list[int]:
    """Changes of a thinned series, each where two levels between its neighbours fit best, within a block or two."""
    if size == 1:
        return places
    edges = [0, *(at * size for at in places), len(rows)]
    return [_split(rows, edges[i - 1], edges[i], edges[i + 1], 2 * size) for i in range(1, len(edges) - 1)]


def _split(rows: Array, start: int, at: int, end: int, reach: int) -> int:
    low, high = max(start + LEAST, at - reach), min(end - LEAST, at + reach)
    if high <= low:
        return at
    part = np.column_stack([prepared(c) for c in rows[start:end].T])
    sums = np.concatenate((np.zeros((1, part.shape[1])), np.cumsum(part, axis=0)))
    cuts = np.arange(low, high + 1) - start
    first, rest = sums[cuts], sums[-1] - sums[cuts]
    gain = (first**2 / cuts[:, None] + rest**2 / (len(part) - cuts)[:, None]).sum(axis=1)
    return int(cuts[int(np.argmax(gain))]) + start


def _described(rows: Array, clock: Array, places: list[int], shares: list[float]) -> tuple[Change, ...]:
    edges = [0, *places, len(rows)]
    unit = np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)  # sums of the largest numbers overflow
    levels = [tuple(float(v) for v in np.median(rows[a:b] / unit, axis=0) * unit) for a, b in itertools.pairwise(edges)]
    return tuple(
        Change(at, float(clock[at]), levels[i], levels[i + 1], share)
        for i, (at, share) in enumerate(zip(places, shares, strict=True))
    )
