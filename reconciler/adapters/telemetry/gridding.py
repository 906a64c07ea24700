"""gridded: samples by series as steps of time (`Grid`), for sources that hold nothing summed up. numpy, imported when used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.model.telemetry import Grid

if TYPE_CHECKING:
    from reconciler.ports.telemetry import Samples


def gridded(samples: Mapping[tuple[str, str], Samples], start_ms: int, end_ms: int, step_ms: int) -> Grid:
    """Steps of [start + k * step, + step); every sample must lie in [start, end) and every series have one."""
    import numpy as np

    times = np.arange(start_ms, end_ms, step_ms, dtype=np.int64)
    low, high, mean, last = (np.full((len(samples), len(times)), np.nan) for _ in range(4))
    count = np.zeros((len(samples), len(times)), dtype=np.int64)
    for row, (taken, values) in enumerate(samples.values()):
        steps = (taken - start_ms) // step_ms
        begins = np.flatnonzero(np.diff(steps, prepend=-1))
        held = steps[begins]
        count[row, held] = np.diff(begins, append=len(steps))
        low[row, held] = np.minimum.reduceat(values, begins)
        high[row, held] = np.maximum.reduceat(values, begins)
        mean[row, held] = np.add.reduceat(values, begins) / count[row, held]
        last[row, held] = values[np.append(begins[1:], len(values)) - 1]
    return Grid(tuple(samples), times, count, low, high, mean, last)
