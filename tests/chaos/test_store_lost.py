"""The database is deleted at each stage of a repair: no authority is lost, nothing is repeated, nothing is undone.

The table "who owns which fact" of the architecture, as a test. What only the outbox knew and no decision rested on (what was
seen, tried and thought) may be lost with it; verdicts, merges, admissions, applies and outcomes may not, and are not.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from crashes import Bench

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


@pytest.mark.parametrize("stage", list(STAGES)[3:9:2])
def test_the_store_is_lost_when(bench: Bench, stage: str) -> None:
    bench.crash(f"lost-{list(STAGES).index(stage)}", [STAGES[stage]], lose_store=True)


@pytest.mark.timeout(900)
def test_the_store_is_lost_at_every_stage_and_step(bench: Bench, everything: bool) -> None:
    if not everything:
        pytest.skip("make chaos")
    points = [*STAGES.values(), *bench.points[::3]]
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda point: bench.crash(f"gone-{point}".replace(":", "-"), [point], lose_store=True), dict.fromkeys(points)
            )
        )
