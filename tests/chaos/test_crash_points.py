"""kill -9 at a journaled step or at any moment, then a restart: the same end, and nothing twice.

`make test` takes twelve points spread over the run; `make chaos` takes every one, random moments, and several crashes in a
row. `bench.crash` compares with the undisturbed run: the branch's tree and history, the lab's desired state, outcomes, pull
requests, merges, effects in the lab, Operations, every record that was promised, and `audit verify`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from crashes import Bench, live, sampled

SAMPLED = 12
RANDOM_MOMENTS = 14
IN_A_ROW = 8


def side_by_side(crash: Callable[[str], None], points: Iterable[str]) -> None:
    """Two at a time: the work is done in the killed processes."""
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(crash, points))
    sys.stderr.write(f"{len(done)} crash points\n")


@pytest.mark.parametrize("number", range(SAMPLED))
def test_killed_at_a_sampled_step_it_reaches_the_same_end(bench: Bench, number: int) -> None:
    bench.crash(f"sampled-{number}", [sampled(bench.points, number, SAMPLED)])


@pytest.mark.timeout(1_200)
def test_killed_at_every_step_it_reaches_the_same_end(bench: Bench, everything: bool) -> None:
    if not everything:
        pytest.skip("make chaos")
    points = [point + "+" * (number % 2) for number, point in enumerate(bench.points)]
    side_by_side(lambda point: bench.crash(f"every-{point}".replace(":", "-"), [point]), points)


@pytest.mark.timeout(600)
def test_killed_at_random_moments_it_reaches_the_same_end(bench: Bench, everything: bool, chaos: random.Random) -> None:
    if not everything:
        pytest.skip("make chaos")
    moments = [chaos.uniform(1.0, bench.seconds) for _ in range(RANDOM_MOMENTS)]

    def crash(after: str) -> None:
        root = bench.copy(f"moment-{after}")
        life = live(root, kill_after_s=float(after))
        assert life.killed or life.code == 0, life.complaint[-4_000:]
        bench.compare(root, live(root).told(), set())

    side_by_side(crash, map(str, moments))


@pytest.mark.timeout(600)
def test_killed_again_and_again_it_reaches_the_same_end(bench: Bench, everything: bool, chaos: random.Random) -> None:
    if not everything:
        pytest.skip("make chaos")
    rows = [" ".join(chaos.sample(bench.points[:30], 3)) for _ in range(IN_A_ROW)]
    side_by_side(lambda row: bench.crash(f"row-{row}".replace(":", "-").replace(" ", "-"), row.split()), rows)
