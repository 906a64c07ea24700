"""How often such a finding is right: a logistic curve over how loud the first cause is and how far it leads.

Loud is meant against the normal blocks of the same recording: where much departs all the time, a departure says little.

The shipped curve was fitted on recorded incidents with a known cause; `fit` makes another from an installation's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RIDGE = 1.0  # few cases: without it a lucky split makes certainty
ROUNDS = 25
HUSH = 0.3  # loudness below which all is equally quiet


@dataclass(frozen=True, slots=True)
class Curve:
    """`lead` weighs the share of the first in the sum of first and second, `loud` the logarithm of the first over the usual."""

    base: float
    loud: float
    lead: float

    def of(self, first: float, second: float, usual: float) -> float:
        """Between 0 and 1; 0 when there is no finding."""
        if not first > 0:
            return 0.0
        loud, lead = features(first, second, usual)
        score = self.base + self.loud * loud + self.lead * lead
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


SHIPPED = Curve(base=-1.01, loud=1.90, lead=0.20)


def features(first: float, second: float, usual: float) -> tuple[float, float]:
    """Loudness and lead, both about -1 to 2."""
    return math.log((first + HUSH) / (max(usual, 0.0) + HUSH)), 2.0 * first / (first + max(second, 0.0)) - 1.0


def fit(findings: Sequence[tuple[float, float, float]], right: Sequence[bool]) -> Curve:
    """From (first, second, usual) and whether the first was the cause; ridge-penalised maximum likelihood by Newton's steps."""
    if len(findings) != len(right):
        raise ValueError(f"{len(findings)} findings and {len(right)} outcomes: give each finding whether it was right")
    rows = [(1.0, *features(*f)) for f in findings if f[0] > 0]
    wanted = np.array([float(r) for f, r in zip(findings, right, strict=True) if f[0] > 0])
    if not rows:
        return SHIPPED
    table, weights = np.array(rows), np.zeros(3)
    penalty = RIDGE * np.diag([0.0, 1.0, 1.0]) + 1e-6 * np.eye(3)
    for _ in range(ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(table @ weights, -30, 30)))
        slope = table.T @ (chance - wanted) + penalty @ weights
        curvature = (table.T * np.maximum(chance * (1 - chance), 1e-6)) @ table + penalty
        weights = weights - np.linalg.solve(curvature, slope)
    return Curve(float(weights[0]), float(weights[1]), float(weights[2]))
