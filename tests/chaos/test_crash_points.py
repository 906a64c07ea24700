"""kill -9 at a journaled step or at any moment, then a restart: the same end, and nothing twice.

`make test` takes six points spread over the stories; `make chaos` takes every one, random moments, and several crashes in
a row. `bench.crash` compares with the undisturbed run: the branch's tree and history, the lab's desired state, outcomes, pull
requests, merges, effects and acts in the lab, Operations, every record that was promised, and `audit verify`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from crashes import Bench, read_journal, thorough
from stories import STORIES

Benches = Callable[[str], Bench]
PARTS = 12
RANDOM_MOMENTS = 14
IN_A_ROW = 8
SAMPLED = [("repair", 2), ("operation", 1)]  # the other stories in `make chaos`, with every step of all


def rotated(number: int) -> str:
    return list(STORIES)[number % len(STORIES)]


@pytest.mark.parametrize(("story", "number", "of"), [(story, n, of) for story, of in SAMPLED for n in range(of)])
def test_killed_at_a_sampled_step_it_reaches_the_same_end(benches: Benches, story: str, number: int, of: int) -> None:
    """The middle of each equal part of the run; every second one dies after the step instead of before it."""
    bench = benches(story)
    point = bench.points[(2 * number + 1) * len(bench.points) // (2 * of)]
    bench.crash(f"sampled-{number}", point + "+" * (number % 2))


@thorough
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("story", STORIES)
def test_killed_at_every_step_it_reaches_the_same_end(benches: Benches, story: str, part: int) -> None:
    bench = benches(story)
    points = [point + "+" * (number % 2) for number, point in enumerate(bench.own)]
    bench.crash_at_each(f"every-{part}", points[part::PARTS])


@thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(RANDOM_MOMENTS))
def test_killed_at_a_random_moment_it_reaches_the_same_end(benches: Benches, chaos: random.Random, number: int) -> None:
    bench = benches(rotated(number))
    root = bench.fresh(f"moment-{number}")
    life = bench.live(root, kill_after_s=chaos.uniform(1.0, bench.seconds))
    assert life.killed or life.code == 0, life.complaint[-4_000:]
    bench.compare(root, set())


@thorough
@pytest.mark.timeout(600)
def test_killed_when_the_lab_has_acted_and_nobody_knows_it_reaches_the_same_end(benches: Benches) -> None:
    benches("review").crash("unseen", "LabTarget.apply:2~")


@thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(IN_A_ROW))
def test_killed_again_and_again_it_reaches_the_same_end(benches: Benches, chaos: random.Random, number: int) -> None:
    bench = benches(rotated(number))
    bench.crash(f"row-{number}", *chaos.sample(bench.points[:30], 3))


@pytest.mark.parametrize("after", ["", "+"], ids=["before", "after"])
def test_an_act_whose_process_was_killed_is_unknown_and_done_only_if_it_was_done(benches: Benches, after: str) -> None:
    """The comparison allows that; this shows that it is what happens, and at this point only."""
    bench = benches("operation")
    root = bench.fresh(f"act{after}")
    assert bench.live(root, f"LabTarget.operate:2{after}").killed
    bench.compare(root, set())
    expected = bench.expected(read_journal(root))
    assert expected["operations"] == {
        "clear-1": ["accepted", "started", "unknown"],
        "restart-1": ["accepted", "started", "finished"],
    }
    assert expected["acts"] == (["clear-1", "restart-1"] if after else ["restart-1"])
