"""Thinning: what blocks are worth when they are old: one mean for every step of five minutes, all of them in one block.

Forecasts look weeks back and need no more; a sample every 15 s would take twenty times the room. A mean stands at the middle of
its step, or at the sample nearest to it, so that no row begins earlier or ends later than it did: sources that followed
each other in time still do. A step that two blocks share has a mean of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reconciler.adapters.telemetry.columns.head import END_OF_TIME, TIME_BITS, sorted_once
from reconciler.adapters.telemetry.columns.reading import Bools, Known, Samples
from reconciler.adapters.telemetry.columns.values import Floats, Ints

STEP_MS = 300_000


def thinned(blocks: Sequence[Known], wanted: Bools) -> Samples:
    """Keys and values, sorted; without the series that are not wanted."""
    parts = [_means(*known.samples(wanted)) for known in blocks]
    return sorted_once(np.concatenate([keys for keys, _ in parts]), np.concatenate([values for _, values in parts]))


def _means(keys: Ints, values: Floats) -> Samples:
    """Of samples that lie series by series, each in time."""
    times = keys & END_OF_TIME
    begins = np.flatnonzero((np.diff(keys >> TIME_BITS, prepend=-1) != 0) | (np.diff(times // STEP_MS, prepend=-1) != 0))
    if not len(begins):
        return keys, values
    counts = np.diff(np.append(begins, len(keys)))
    first, last = keys[begins], keys[begins + counts - 1]
    middle = first - times[begins] % STEP_MS + STEP_MS // 2
    with np.errstate(over="ignore"):
        mean = np.add.reduceat(values, begins) / counts
    return np.clip(middle, first, last), np.clip(mean, np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins))
