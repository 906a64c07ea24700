"""Bootstrap intervals: what a mean over few cases is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DRAWS, SEED = 2_000, 20_260_101


def interval(values: Sequence[float], share: float = 0.95) -> tuple[float, float]:
    """Of the mean over cases. Pass differences for a paired comparison."""
    found = np.asarray(values, dtype=float)
    draws = np.random.default_rng(SEED).integers(0, len(found), size=(DRAWS, len(found)))
    low, high = np.quantile(found[draws].mean(axis=1), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def told(values: Sequence[float]) -> str:
    """For a figure's note."""
    low, high = interval(values)
    return f"95 % interval {low:.3g} to {high:.3g}, {len(values)} cases"
