"""Hierarchy: each level explains what the level below could not, and only surprise goes up.

A series has explained its own sample as far as it could; what it could not is its deviation. What at least half of the same
series of a service share (its replicas) is the service's; what at least half of all services share in one metric (a sale, a
night, a silent source) is the system's. What is left at each level is that level's surprise, told once and not once a series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WITHIN: Final = 1 / 3  # of an explanation: spreads are estimates, and differ by as much between like series
SERVICES: Final = 3  # fewer than this are no system whose common part explains anything


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each row belongs: its group (one metric of one service), and each group's metric."""

    group: Ints
    metric: Ints
    metrics: int


@dataclass(frozen=True, slots=True)
class Parts:
    """Of the rows that deviate: what is their own, what is their service's and what is the system's.

    `speaks` is true for the one row that stands for its group, `leads` for the one that stands for its metric.
    """

    rows: Ints
    sign: Floats
    own: Floats
    service: Floats
    system: Floats
    speaks: NDArray[np.bool_]
    leads: NDArray[np.bool_]

    @property
    def surprise(self) -> Floats:
        """What nobody explained: the row's own part, and for those that stand for more, that part too."""
        return np.asarray(np.abs(self.own) + self.speaks * np.abs(self.service) + self.leads * np.abs(self.system))

    def of(self, row: int, part: str) -> float:
        """One part of one row, 0 where it does not deviate."""
        place = int(np.searchsorted(self.rows, row))
        there = place < len(self.rows) and self.rows[place] == row
        return float(getattr(self, part)[place]) if there else 0.0

    def told(self, row: int, part: str) -> float:
        """The same, of a row that stands for its service or the system, 0 of the others."""
        return self.of(row, part) * self.of(row, "speaks" if part == "service" else "leads")


def explain(deviation: Floats, alive: NDArray[np.bool_], layout: Layout) -> Parts:
    """Takes the deviations of all rows apart; 0 is none. Only rows that are alive count as sharing or not sharing it."""
    rows = np.flatnonzero(deviation)
    found, group = deviation[rows], layout.group[rows]
    sharing = alive.copy()
    sharing[rows] = True
    size = np.bincount(layout.group[sharing], minlength=len(layout.metric))
    of_group = common(found, group, size)
    shared = np.flatnonzero(of_group)
    services = np.bincount(layout.metric[size > 0], minlength=layout.metrics)
    of_metric = common(of_group[shared], layout.metric[shared], services) * (services >= SERVICES)
    service = _agreed(found, of_group[group])
    system = _agreed(service, of_metric[layout.metric[group]])
    speaks = _first(np.abs(found), group) & (of_group[group] != 0.0)
    leads = np.zeros(len(rows), np.bool_)
    chosen = np.flatnonzero(speaks & (system != 0.0))
    leads[chosen] = _first(np.abs(found[chosen]), layout.metric[group[chosen]])
    own = _left(found, service)
    return Parts(rows, np.sign(found), own, _left(service, system), system, speaks, leads)


def _left(whole: Floats, explained: Floats) -> Floats:
    """What an explanation leaves over; it is never exact, so what lies within a third of it is explained too."""
    rest = np.abs(whole) - np.abs(explained)
    return np.sign(whole) * np.maximum(rest - WITHIN * np.abs(explained), 0.0)


def common(values: Floats, owner: Ints, sizes: Ints) -> Floats:
    """For each owner what at least half of its members share: their median, the smaller one of two, 0 where they disagree.

    `values` are those that are not 0; the other members, `sizes` in all, are 0.
    """
    order = np.lexsort((values, owner))
    ordered, owners = values[order], owner[order]
    counts = np.bincount(owners, minlength=len(sizes))
    below = np.bincount(owners[ordered < 0.0], minlength=len(sizes))
    start = np.cumsum(counts) - counts

    def at(place: Ints) -> Floats:
        index = np.where(place < below, start + place, start + place - (sizes - counts))
        there = (sizes > 0) & ((place < below) | (place >= sizes - counts + below))
        return np.where(there, np.append(ordered, 0.0)[np.where(there, index, len(ordered))], 0.0)

    return _agreed(at((sizes - 1) // 2), at(sizes // 2))


def _agreed(one: Floats, other: Floats) -> Floats:
    """What both say: the smaller where they point the same way, else nothing."""
    return np.where(np.sign(one) * np.sign(other) > 0.0, np.sign(one) * np.minimum(np.abs(one), np.abs(other)), 0.0)


def _first(strength: Floats, owner: Ints) -> NDArray[np.bool_]:
    """The strongest member of each owner, the first among equals."""
    found = np.zeros(len(strength), np.bool_)
    order = np.lexsort((-np.arange(len(strength)), strength, owner))
    if len(order):
        found[order[np.append(np.diff(owner[order]) > 0, True)]] = True
    return found
