"""Load's daily shape and all randomness, as pure functions of (seed, second): nothing to store, nothing to resume.

A value drawn for one second never depends on which faults or repairs came before, so two runs with the same seed see the
same users. One hash a second picks a place in a table of normal deviates; a stream's deviate is at that place, xor the stream.
"""

from __future__ import annotations

import math
import random

MASK = (1 << 64) - 1
TABLE = 4096
DAY_S = 86_400
SWING = 0.15  # of the daily mean, up in the evening and down in the morning
PEAK_S = 19 * 3_600
KNOT_S = 60  # slow noise is a line between values a minute apart


def hashed(seed: int, second: int) -> int:
    """splitmix64 of seed and second."""
    value = (seed * 0x9E3779B97F4A7C15 + second * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


class Noise:
    """The world's dice."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.seed = seed
        self.table = [max(-3.0, min(3.0, dice.gauss(0.0, 1.0))) for _ in range(TABLE)]

    def place(self, second: int) -> int:
        return hashed(self.seed, second) & (TABLE - 1)

    def load(self, second: int) -> float:
        """The daily shape times slow noise, mean 1."""
        daily = 1.0 + SWING * math.cos(2.0 * math.pi * ((second % DAY_S) - PEAK_S) / DAY_S)
        knot, part = divmod(second, KNOT_S)
        left, right = self.table[self.place(-knot)], self.table[self.place(-knot - 1)]
        return daily * (1.0 + 0.02 * (left + (right - left) * part / KNOT_S))


def stream_of(name: str) -> int:
    """A fixed stream for a name."""
    value = 0
    for char in name:
        value = (value * 131 + ord(char)) & MASK
    return hashed(value, 1) & (TABLE - 1)
