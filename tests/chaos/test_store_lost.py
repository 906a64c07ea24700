"""The database is deleted at each stage of a repair: no authority is lost, nothing is repeated, nothing is undone.

The table "who owns which fact" of the architecture, as a test. What only the outbox knew and no decision rested on (what was
seen, tried and thought) may be lost with it; verdicts, merges, admissions, applies and outcomes may not, and are not.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from crashes import Bench, thorough
from stories import STORIES

STAGES = {
    "before anything was grouped": "SqliteStore.open_case:1",
    "diagnosed": "SqliteStore.done:2",
    "proposed, its commit made": "SqliteStore.done:3",
    "the pull request open": "SqliteStore.commit:4",
    "judged, the verdict not yet on record": "SqliteStore.done:5",
    "the verdict on record, nothing landed": "EmbeddedForge.land:1",
    "landed, the merge not yet on record": "SqliteStore.done:6",
    "landed and on record": "LabTarget.apply:6",
    "applied, not yet on record": "LabTarget.apply:6+",
    "guarded": "SqliteStore.done:8",
    "at the outcome": "SqliteStore.done:9",
}


KEPT_SHORT = list(STAGES)[3:9:4]
OPERATION_STAGES = {"started, nothing done": "LabTarget.operate:2", "done, its end not on record": "LabTarget.operate:2+"}
PARTS = 4


@pytest.mark.parametrize("stage", KEPT_SHORT)
def test_the_store_is_lost_when(benches: Callable[[str], Bench], stage: str) -> None:
    benches("repair").crash(f"lost-{KEPT_SHORT.index(stage)}", STAGES[stage], lose_store=True)


@pytest.mark.parametrize("stage", OPERATION_STAGES)
def test_the_store_is_lost_when_an_operation_is(benches: Callable[[str], Bench], stage: str) -> None:
    benches("operation").crash(f"lost-{stage}", OPERATION_STAGES[stage], lose_store=True)


@thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("story", STORIES)
def test_the_store_is_lost_at_every_stage_and_step(benches: Callable[[str], Bench], story: str, part: int) -> None:
    bench = benches(story)
    points = [*(STAGES.values() if story == "repair" else ()), *bench.own[::3]]
    bench.crash_at_each(f"gone-{part}", points[part::PARTS], lose_store=True)
