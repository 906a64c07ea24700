"""From what arrives to what can be judged: finite numbers in order of time, none of them out of all proportion.

A sample that is no number, that is not later than the newest before it (late, repeated) or that falls into a maintenance
window is left out: it is answered "unknown" and nothing is learnt from it. A value beyond `PROPORTION` times the range seen so
far is cut there: as odd as odd can be, but not able to swamp all sums after it. Each decision needs earlier samples only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]

LARGEST, SMALLEST = 1e100, 1e-100  # between them squares and ratios stay finite; what is smaller is 0
PROPORTION = 1_000.0


def usable(times: Times, values: Array, maintenance: Flags | None = None) -> Flags:
    """Which samples are judged and learnt from."""
    if times.shape != values.shape or times.ndim != 1:
        raise ValueError(f"a series needs as many times as values, in one dimension, not {times.shape} and {values.shape}")
    wanted = np.isfinite(values)
    if maintenance is not None:
        wanted &= ~maintenance
    newest = np.maximum.accumulate(np.where(wanted, times, np.iinfo(np.int64).min))
    later = np.ones(len(times), dtype=bool)
    later[1:] = times[1:] > newest[:-1]
    found: Flags = wanted & later
    return found


def bounded(values: Array) -> Array:
    """Each value, cut where it would leave the range before it by more than `PROPORTION` times that range or size."""
    found = np.where(np.abs(values) < SMALLEST, 0.0, np.clip(values, -LARGEST, LARGEST))
    low = high = float(found[0]) if len(found) else 0.0
    for index, value in enumerate(found.tolist()):
        if not low <= value <= high:
            room = PROPORTION * max(high - low, abs(high), abs(low))
            if room > 0:  # after nothing but zeros there is no proportion yet
                value = min(max(value, low - room), high + room)  # noqa: PLW2901
                found[index] = value
            low, high = min(low, value), max(high, value)
    return found
