"""TraceSamples keeps a bounded sample of calls in a file that survives a restart, and reads no nonsense."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.telemetry.traces import TraceSamples
from reconciler.analysis.traces import KEPT_MS
from reconciler.errors import Retryable
from reconciler.model.telemetry import TracedCall

NOW = 1_700_000_000_000
CALL = TracedCall("front", "cart", "GET /cart", "ab" * 16, NOW, 12.5, failed=True)
ROW = ["front", "cart", "GET /cart", "ab" * 16, NOW, 12.5, True]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "traces.json"


def test_what_was_kept_is_there_after_a_restart_and_for_other_processes(file: Path):
    reader, writer = TraceSamples(file), TraceSamples(file)
    assert reader.calls(0, NOW) == []
    writer.keep([CALL], NOW)
    assert reader.calls(0, NOW) == [CALL]
    TraceSamples(file).keep([replace(CALL, trace="cd" * 16)], NOW)
    assert {call.trace for call in reader.calls(NOW, NOW)} == {"ab" * 16, "cd" * 16}
    assert reader.calls(0, NOW - 1) == []


def test_an_hour_later_it_is_gone_and_what_is_from_the_future_never_comes(file: Path):
    kept = TraceSamples(file)
    kept.keep([CALL, replace(CALL, at_ms=NOW + 3_600_000)], NOW)
    assert kept.calls(0, 1 << 60) == [CALL]
    kept.keep([], NOW + KEPT_MS + 1)
    assert kept.calls(0, 1 << 60) == []


@pytest.mark.parametrize("content", ["", "{}", "[[1]]", "[" * 5_000, "null", "\xff"])
def test_a_file_that_is_none_is_empty_and_written_anew(file: Path, content: str):
    file.write_bytes(content.encode("latin-1"))
    kept = TraceSamples(file)
    assert kept.calls(0, 1 << 60) == []
    kept.keep([CALL], NOW)
    assert kept.calls(0, 1 << 60) == [CALL]


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, "Front\n"), (1, "x" * 64), (3, "javascript:alert(1)"), (3, "AB" * 16), (4, -1), (4, 1 << 60), (5, -1.0),
     (5, float("inf")), (5, 10**400), (6, "yes")],
)  # fmt: skip
def test_a_row_that_no_call_can_be_is_left_out(file: Path, place: int, value: object):
    file.write_text(json.dumps([ROW, [*ROW[:place], value, *ROW[place + 1 :]]]), encoding="ascii")
    assert TraceSamples(file).calls(0, 1 << 61) == [CALL]


def test_a_folder_that_is_gone_is_told_with_the_next_step(tmp_path: Path):
    with pytest.raises(Retryable, match=r"cannot keep traces in .*: No such file"):
        TraceSamples(tmp_path / "gone" / "traces.json").keep([CALL], NOW)
