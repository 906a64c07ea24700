"""A case that one release started is finished by the next: rows outlive the code that wrote them.

`make test` takes rows as an older release wrote them (fewer fields) at each stage. `make chaos` builds an earlier release as a
wheel, lets its own process start the case, kills it, and finishes with the present tree.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from crashes import Bench, read_journal, thorough
from earlier import LATER_FIELDS, VERSION, earlier_wheel, unpacked

from reconciler import __version__

HANDED_OVER = {
    "diagnosed": "SqliteStore.done:2",
    "with an open pull request": "EmbeddedForge.open:1+",
    "judged": "SqliteStore.done:5",
    "in the middle of landing": "EmbeddedForge.land:1+",
}


def forget_later_fields(root: Path) -> int:
    """Rewrites the rows of open cases as the earlier release wrote them; how many there were."""
    connection = sqlite3.connect(root / "state.db", isolation_level=None)
    rows = connection.execute("SELECT id, data FROM incident_case WHERE stage <> 'done'").fetchall()
    for name, text in rows:
        known = {key: value for key, value in json.loads(text).items() if key not in LATER_FIELDS}
        assert len(known) < len(json.loads(text))
        connection.execute("UPDATE incident_case SET data = ? WHERE id = ?", (json.dumps(known), name))
    connection.close()
    return len(rows)


@pytest.mark.parametrize("stage", ["diagnosed", "judged"])
def test_a_row_of_an_earlier_release_is_finished_by_this_one(benches: Callable[[str], Bench], stage: str) -> None:
    bench = benches("repair")
    root = bench.fresh(f"row-{stage}")
    assert bench.live(root, HANDED_OVER[stage]).killed
    assert forget_later_fields(root) == 1
    bench.compare(root, set())


@thorough
@pytest.mark.timeout(600)
def test_a_case_started_by_an_earlier_release_is_finished_by_this_one(benches: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = benches("repair")
    release = unpacked(earlier_wheel(tmp_path / "earlier"), tmp_path / "installed")
    for stage, point in HANDED_OVER.items():
        root = bench.fresh(f"upgrade-{stage}".replace(" ", "-"))
        life = bench.live(root, point, release=release)
        assert life.killed, life.complaint[-4_000:]
        bench.compare(root, set())
        releases = [line["release"] for line in read_journal(root) if "release" in line]
        assert releases == [VERSION, __version__], stage
