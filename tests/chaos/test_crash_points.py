"""kill -9 at a journaled step, then a restart: the same end, and nothing twice."""

from __future__ import annotations

import pytest
from crashes import Bench

SAMPLED = 12
RANDOM_MOMENTS = 12
TWICE = 6


def sampled(points: tuple[str, ...], number: int) -> str:
    """Evenly spread over the run; every second one dies after the step instead of before it."""
    point = points[number * (len(points) - 1) // (SAMPLED - 1)]
    return point + "+" * (number % 2)


@pytest.mark.parametrize("number", range(SAMPLED))
def test_killed_at_a_step_the_loop_reaches_the_same_end(bench: Bench, number: int) -> None:
    bench.crash(f"sampled-{number}", [sampled(bench.points, number)])
