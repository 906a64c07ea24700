"""Do many come at the same moment, again and again?

A thundering herd: a service is asked many times as often as usual for a short while although the users do not ask more, as when
what everybody keeps expires at once, or everybody's timer rings together.

A load that stays is none, and neither is a single burst: only a second one within ten minutes says that it is the rhythm.
"""

from __future__ import annotations

import math

TIMES = 4.0  # as often as usual
OVER = 1.5  # times usual; below it a burst is over, and users who ask more than that explain one
SHORT = 90.0  # seconds that a burst lasts at most
WITHIN = 600.0  # seconds from one burst to the next


class Bursts:
    """The bursts of one service."""

    def __init__(self) -> None:
        self._began = math.nan  # of the burst that goes on
        self._before = math.nan  # when the last one began

    def see(self, time: float, asked: float, users: float) -> float | None:
        """`asked` and `users` are times the usual. The beginning of the first of two bursts, once the second is over."""
        if not (math.isfinite(asked) and math.isfinite(users)) or users >= OVER:
            self._began = math.nan
            return None
        if asked >= TIMES and math.isnan(self._began):
            self._began = time
        if math.isnan(self._began) or asked >= OVER:
            return None
        began, self._began = self._began, math.nan
        if time - began > SHORT:
            return None
        before, self._before = self._before, began
        return before if began - before <= WITHIN else None
