"""The chances of a breach in each coming interval, and what speaks for them.

A `Model` (made by `learning`) answers a row with the chance of each interval between `EDGES` and of none within the hour. That is
the discrete-time form of survival: the hazard of an interval is its chance over the chance of getting that far. From the chances
follow the chance within any of the edges, the time by which a breach is as likely to have come as not, and the sensors that
speak for it: the log-odds of any breach, shared out among the features (SHAP values of the trees) and summed by sensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.float32]

EDGES = np.array([10.0, 20.0, 30.0, 45.0, 60.0])  # minutes; the first interval is too late to act in calm


@dataclass(frozen=True, slots=True)
class Outlook:
    """`chances` are rows by intervals, NaN where a row is unknown; each known row sums to one."""

    chances: Array

    def within(self, minutes: float) -> Array:
        """The chance of a breach within so many minutes, which must be one of the edges."""
        return np.asarray(self.chances[:, : _edge(minutes) + 1].sum(axis=1), dtype=float)

    def between(self, start: float, end: float) -> Array:
        """The chance of a breach between two edges, given that none comes before the first."""
        early = self.within(start)
        return np.clip((self.within(end) - early) / np.maximum(1 - early, 1e-3), 0.0, 1.0)

    def hazards(self) -> Array:
        """The chance of a breach in each interval, given that none came before it."""
        left = 1 - np.cumsum(self.chances[:, :-1], axis=1)
        before = np.column_stack([np.ones(len(left)), left[:, :-1]])
        return np.clip(self.chances[:, :-1] / np.maximum(before, 1e-9), 0.0, 1.0)

    def minutes(self) -> Array:
        """When a breach is as likely to have come as not, should one come within the hour; NaN where that is unlikely."""
        come = np.cumsum(self.chances[:, :-1], axis=1)
        half = come[:, -1:] / 2
        edges, reached = np.concatenate([[0.0], EDGES]), np.column_stack([np.zeros(len(come)), come])
        at = np.clip((come < half).sum(axis=1), 0, len(EDGES) - 1)
        rows = np.arange(len(come))
        step = np.maximum(reached[rows, at + 1] - reached[rows, at], 1e-12)
        found = edges[at] + (half[:, 0] - reached[rows, at]) / step * (edges[at + 1] - edges[at])
        return np.where(come[:, -1] >= 0.5, found, np.nan)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a model learned from, and how good the answers were for runs that it had not seen."""

    runs: int
    broke: int
    precision: float  # average, of the rows that a breach within the hour followed
    chance: float  # the share of these rows: the average precision of who knows nothing


@dataclass(frozen=True, slots=True)
class Model:
    """`members` are boosters with the temperature of each; from `threshold` on, a breach within the hour is worth an alarm."""

    names: tuple[str, ...]
    members: tuple[tuple[Any, float], ...]
    threshold: float
    worth: Worth

    @property
    def useful(self) -> bool:
        """Whether any threshold made alarms that were right often enough."""
        return self.threshold < 1.0

    def outlook(self, rows: Rows, known: NDArray[np.bool_]) -> Outlook:
        chances = np.full((len(rows), len(EDGES) + 1), np.nan)
        if known.any():
            data = matrix(rows[known])
            chances[known] = np.mean([softmax(b.predict(data, output_margin=True) / t) for b, t in self.members], axis=0)
        return Outlook(chances)

    def explained(self, rows: Rows) -> Array:
        """Rows by features: what each adds to the log-odds that a breach comes within the hour (SHAP values, linearised)."""
        data = matrix(rows)
        found = np.zeros((len(rows), len(self.names)))
        for booster, temperature in self.members:
            shares = booster.predict(data, pred_contribs=True)[:, :, :-1] / temperature
            weights = softmax(booster.predict(data, output_margin=True) / temperature)[:, :-1]
            weights /= weights.sum(axis=1, keepdims=True)
            found += (weights[:, :, None] * shares[:, :-1]).sum(axis=1) - shares[:, -1]
        return found / len(self.members)

    def factors(self, rows: Rows) -> list[dict[str, float]]:
        """For each row, what every sensor adds, the strongest first."""
        sensors = [name.split(":")[0] for name in self.names]
        told = []
        for row in self.explained(rows):
            sums = {s: float(sum(v for v, name in zip(row, sensors, strict=True) if name == s)) for s in dict.fromkeys(sensors)}
            told.append(dict(sorted(sums.items(), key=lambda item: -item[1])))
        return told


def softmax(margins: Array) -> Array:
    raised = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=float)


def matrix(rows: Rows) -> Any:
    import xgboost

    return xgboost.DMatrix(rows, nthread=1)


def _edge(minutes: float) -> int:
    found = np.flatnonzero(minutes == EDGES)
    if not len(found):
        raise ValueError(f"chances are known for {', '.join(f'{e:g}' for e in EDGES)} minutes, not for {minutes:g}")
    return int(found[0])
