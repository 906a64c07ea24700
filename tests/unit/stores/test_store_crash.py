"""A killed writer: what it committed is there, case and records together, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adapters.stores import SqliteStore, migrate

WRITER = Path(__file__).with_name("crash_writer.py")


def _killed_after(path: Path, steps: int) -> int:
    """Kills the writer with SIGKILL some steps in; the last step it said it had committed."""
    migrate(path)  # here, so that the child does not spend its life on loading the rows
    with subprocess.Popen([sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline().strip() for _ in range(steps)]
        child.kill()  # SIGKILL, wherever it is by now
        said += child.stdout.read().split()
    return int(said[-1]) if said[-1].isdigit() else 0


@pytest.mark.parametrize("steps", [3, 17])
def test_a_killed_writer_leaves_case_and_records_both_or_neither(tmp_path: Path, steps: int):
    promised = _killed_after(tmp_path / "state.db", steps)
    store = SqliteStore(tmp_path / "state.db")
    case, records = store.case("case-1"), store.outbox()
    store.close()
    assert case is not None
    assert case.version >= promised
    assert case.data.get("step", 0) == case.version
    assert sorted({record.payload["n"] for record in records}) == list(range(1, case.version + 1))
    assert len(records) == 2 * case.version
