"""How often a first cause with this sum of parts was right: what a confidence has to say.

The parts of `causes` put causes in order; how sure that makes us is measured. The curves were fitted on some eight hundred
episodes of the lab (`docs/analysis/lab.md`; not those that the score is taken from): half of them with one bad change among up
to six, half with a fault that no change brought. One is for a first cause that stands alone, one for a first cause with another
close behind it. They only speak for the first cause: the others keep their sums, by which they were ranked. Below the second
knot, where there were next to no episodes, nothing is added.
"""

from __future__ import annotations

import itertools
from typing import Final

CLOSE: Final = 0.2  # sums nearer than this contest each other
# (sum of parts, confidence): strictly rising, so that no order is lost, and never above what coincidence can show.
ALONE: Final = ((0.0, 0.0), (0.5, 0.5), (0.6, 0.78), (0.7, 0.88), (0.8, 0.93), (0.95, 0.95))
CONTESTED: Final = ((0.0, 0.0), (0.5, 0.5), (0.7, 0.78), (0.95, 0.88))


def calibrated(parts: float, second: float = 0.0) -> float:
    """The confidence of a first cause, `second` being the sum of the next other one: by a line between the knots."""
    curve = CONTESTED if parts - second < CLOSE else ALONE
    for (low, least), (high, most) in itertools.pairwise(curve):
        if parts <= high:
            return least + (most - least) * max(0.0, parts - low) / (high - low)
    return curve[-1][1]
