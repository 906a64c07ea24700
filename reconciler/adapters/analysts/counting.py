"""How many calls went from each caller to each callee, from the series that count them (`calls_total{callee=..}`).

A counter that falls has begun anew. What falls again and again is no counter but a rate in calls per second, as a Prometheus
source may give it: its mean over the time counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reconciler.ports.telemetry import Samples

COUNTER = re.compile(r"calls_total\{callee=([a-z0-9-]{1,63})\}")
OFTEN = 0.1  # of its steps: no process starts anew that often


def counted(samples: Mapping[tuple[str, str], Samples]) -> Mapping[tuple[str, str], float]:
    """By caller and callee; pairs that nobody counts are not there."""
    named = ((key[0], COUNTER.fullmatch(key[1]), taken) for key, taken in samples.items())
    return {(caller, found[1]): _calls(taken) for caller, found, taken in named if found}


def _calls(taken: Samples) -> float:
    times, values = taken
    steps = np.diff(values)
    falls = steps < 0
    if len(steps) and falls.mean() > OFTEN:
        return float(values.mean() * (times[-1] - times[0]) / 1_000)
    return float(np.where(falls, values[1:], steps).sum())
