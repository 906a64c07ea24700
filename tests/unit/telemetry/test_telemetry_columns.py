"""The files of the telemetry store: what a crash, damage, another process and churning labels leave of it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reconciler.adapters.telemetry import Bounds
from reconciler.adapters.telemetry.columns.journal import Journal
from reconciler.adapters.telemetry.samples import SampleStore
from reconciler.errors import Retryable

NOW = 1_700_000_000_000
HOUR = 3_600_000
EVER = (0, 1 << 42)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SampleStore]:
    made = SampleStore(tmp_path / "t")
    yield made
    made.close()


def _fill(store: SampleStore, hours: int, since: int = NOW) -> None:
    for step in range(hours * 60 + 1):
        store.write([("cart", f"m{n}", since + step * 60_000, step / 8 + n) for n in range(3)])


def _values(store: SampleStore, metric: str = "m0") -> list[float]:
    return store.range("cart", metric, *EVER)[1].tolist()


def _names(tmp_path: Path, ending: str) -> list[str]:
    return sorted(path.name for path in (tmp_path / "t").glob(f"*.{ending}"))


def test_an_hour_becomes_a_block_and_its_journal_goes(store: SampleStore, tmp_path: Path):
    _fill(store, 2)
    assert (_names(tmp_path, "block"), _names(tmp_path, "journal")) == (["00000001.block"], ["00000002.journal"])
    assert _values(store) == [step / 8 for step in range(121)]


def test_series_of_one_scrape_cost_a_byte_or_two_a_sample(store: SampleStore, tmp_path: Path):
    series = [("cart", f"metric{n}") for n in range(100)]
    rows = [(*name, NOW + step * 5_000, (step * n % 97) / 100) for step in range(720) for n, name in enumerate(series)]
    store.write(rows)
    with store._folder.writing():
        store._folder.seal_head()
    assert (tmp_path / "t" / "00000001.block").stat().st_size < 1.5 * len(rows)


def test_the_torn_end_of_a_journal_is_cut_off_and_told(store: SampleStore, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    store.write([("cart", "m0", NOW, 1.0)])
    journal = tmp_path / "t" / "00000001.journal"
    whole = journal.read_bytes()
    for torn in range(1, len(whole)):
        journal.write_bytes(whole + whole[:torn])
        with caplog.at_level(logging.WARNING):
            store.write([("cart", "m0", NOW + torn, 2.0)])
        whole = journal.read_bytes()
        if torn > 20:
            break
    assert {record.getMessage() for record in caplog.records} == {"telemetry.torn"}
    again = SampleStore(tmp_path / "t")
    assert _values(again) == [1.0] + [2.0] * 21
    again.close()


def test_a_damaged_block_is_moved_aside_and_told_and_the_rest_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    store = SampleStore(tmp_path / "t")
    _fill(store, 3)
    store.close()
    block = tmp_path / "t" / "00000001.block"
    held = bytearray(block.read_bytes())
    held[-1] ^= 1
    block.write_bytes(held)
    store = SampleStore(tmp_path / "t")
    assert _values(store) == [step / 8 for step in range(61, 181)]
    store.write([("cart", "m0", NOW, 7.0)])
    store.close()
    assert _names(tmp_path, "damaged") == ["00000001.block.damaged"]
    assert [record.getMessage() for record in caplog.records] == ["telemetry.damaged"]


def test_a_block_that_is_cut_short_while_it_is_read_is_a_gap_and_then_moved_aside(tmp_path: Path):
    store = SampleStore(tmp_path / "t")
    _fill(store, 1)
    (tmp_path / "t" / "00000001.block").write_bytes(b"")
    with pytest.raises(Retryable, match="damaged"):
        store.window(None, *EVER)
    assert store.window(None, *EVER) == {}
    assert store.write([("cart", "m0", NOW, 7.0)]) == 1
    assert (_values(store), _names(tmp_path, "damaged")) == ([7.0], ["00000001.block.damaged"])
    store.close()


@pytest.mark.parametrize("crashed", ["before the block has its name", "before the journal goes"])
def test_a_crash_while_sealing_loses_and_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crashed: str):
    store = SampleStore(tmp_path / "t")
    monkeypatch.setattr(Path, "replace" if "name" in crashed else "unlink", _dies)
    with pytest.raises(Retryable, match="dies here"):
        _fill(store, 1)
    store.close()
    monkeypatch.undo()
    store = SampleStore(tmp_path / "t")
    assert _values(store) == [step / 8 for step in range(61)]
    store.write([("cart", "m0", NOW + HOUR + 1, 9.0)])
    assert _values(store) == [step / 8 for step in range(61)] + [9.0]
    assert _names(tmp_path, "unfinished") == []
    assert "00000001.journal" not in _names(tmp_path, "journal")
    store.close()


def _dies(*_: object) -> None:
    raise OSError("dies here")


def test_a_write_that_does_not_fit_on_the_disk_is_retryable_and_leaves_the_rest_as_it_was(
    store: SampleStore, monkeypatch: pytest.MonkeyPatch
):
    store.write([("cart", "m0", NOW, 1.0)])
    monkeypatch.setattr("os.pwrite", lambda file, told, at: 7)
    with pytest.raises(Retryable, match="wrote 7 of"):
        store.write([("cart", "m0", NOW + 1, 2.0)])
    monkeypatch.undo()
    assert store.write([("cart", "m0", NOW + 2, 3.0)]) == 1
    assert _values(store) == [1.0, 3.0]


def test_another_store_on_the_same_folder_reads_and_writes_beside(store: SampleStore, tmp_path: Path):
    beside = SampleStore(tmp_path / "t")
    assert beside.newest() == 0
    _fill(store, 1)
    assert _values(beside) == _values(store)
    beside.write([("web", "new", NOW + HOUR + 1, 5.0), ("cart", "m0", NOW, -1.0)])
    assert store.range("web", "new", *EVER)[1].tolist() == [5.0]
    assert _values(store)[0] == -1.0
    _fill(store, 8, NOW + HOUR + 60_000)
    assert beside.window(None, *EVER).keys() == store.window(None, *EVER).keys() == {("cart", f"m{n}") for n in range(3)}
    beside.close()


def test_a_folder_that_is_deleted_while_it_is_used_is_begun_anew(store: SampleStore, tmp_path: Path):
    beside = SampleStore(tmp_path / "t")
    _fill(store, 2)
    assert beside.newest() == store.newest()
    shutil.rmtree(tmp_path / "t")
    assert (beside.newest(), beside.window(None, *EVER)) == (0, {})
    assert store.write([("cart", "m0", NOW, 4.0)]) == beside.write([("cart", "m0", NOW + 1, 5.0)]) == 1
    assert _values(store) == _values(beside) == [4.0, 5.0]
    beside.close()


def test_a_series_whose_samples_are_gone_makes_room_for_another(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    store = SampleStore(tmp_path / "t", Bounds(retention_ms=HOUR, max_series=5))
    assert store.write([("cart", f"pod{n}", NOW, 1.0) for n in range(9)]) == 5
    assert store.write([("cart", "pod8", NOW + HOUR, 1.0), ("cart", "pod0", NOW + HOUR, 1.0)]) == 1
    assert (store.refused, [record.getMessage() for record in caplog.records]) == (5, ["telemetry.full"])
    for hour in range(2, 5):
        store.write([("cart", "pod0", NOW + hour * HOUR, 1.0)])
    assert store.write([("cart", f"pod{n}", NOW + 4 * HOUR, 1.0) for n in range(9)]) == 5
    assert store.metrics("cart") == ("pod0", "pod1", "pod2", "pod3", "pod4")
    store.close()


def test_a_component_with_too_many_series_keeps_no_other_out(tmp_path: Path):
    store = SampleStore(tmp_path / "t", Bounds(max_series=10, max_series_each=3))
    loud = [("loud", f"m{n}", NOW, 1.0) for n in range(9)]
    assert (store.write(loud[:2]), store.write(loud), store.write(loud)) == (2, 3, 3)
    assert store.write([("cart", "m0", NOW, 1.0)]) == 1
    assert (store.metrics("loud"), store.refused) == (("m0", "m1", "m2"), 12)
    store.close()


def test_made_up_names_of_a_sender_leave_room_for_sources_that_are_asked(tmp_path: Path):
    store = SampleStore(tmp_path / "t", Bounds(max_series=10, max_series_sent=8))
    assert store.write([(f"made-up-{n}", "m", NOW, 1.0) for n in range(20)], sent=True) == 8
    assert store.write([("cart", f"m{n}", NOW, 1.0) for n in range(9)]) == 2
    assert store.write([("made-up-7", "m", NOW + 1, 1.0), ("cart", "m0", NOW + 1, 1.0)], sent=True) == 2
    store.close()


def test_a_batch_beyond_the_head_is_a_block_at_once_and_later_than_the_head(tmp_path: Path):
    store = SampleStore(tmp_path / "t", Bounds(max_bytes=1_000_000))
    store.write([("cart", "m0", NOW + n, 1.0) for n in range(10)])
    which, times = np.zeros(9_000, np.int64), NOW + np.arange(9_000)
    assert store.append([("cart", "m0"), ("never", "used")], which, times, np.full(9_000, 2.0)) == 9_000
    assert _names(tmp_path, "block") == ["00000001.block", "00000002.block"]
    assert set(_values(store)) == {2.0}
    assert store.metrics("never") == ()
    store.close()


def test_what_follows_a_first_frame_that_failed_outlives_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = SampleStore(tmp_path / "t", Bounds(max_bytes=1_000_000))
    monkeypatch.setattr("os.pwrite", lambda file, told, at: 7)
    with pytest.raises(Retryable):
        store.write([("cart", "m0", NOW, 1.0)])
    monkeypatch.undo()
    store.append([("cart", "m0")], np.zeros(9_000, np.int64), NOW + np.arange(9_000), np.full(9_000, 2.0))
    store.write([("cart", "m0", NOW, 3.0)])
    store.close()
    store = SampleStore(tmp_path / "t")
    assert _values(store) == [3.0] + [2.0] * 8_999
    store.close()


def test_a_writer_waits_for_another_and_then_says_so(store: SampleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    beside = SampleStore(tmp_path / "t")
    monkeypatch.setattr("reconciler.adapters.telemetry.columns.folder._PATIENCE_S", 0.05)
    with beside._folder.writing(), pytest.raises(Retryable, match="another process has been writing"):
        store.write([("cart", "m0", NOW, 1.0)])
    assert store.write([("cart", "m0", NOW, 1.0)]) == 1
    beside.close()


def test_times_that_are_no_times_are_dropped(store: SampleStore):
    rows = [("cart", "m0", at, 1.0) for at in (-1, 1 << 42, 1 << 62, NOW)]
    assert store.write(rows) == 1
    assert store.range("cart", "m0", 1 << 50, 1 << 51)[0].tolist() == []


def test_a_journal_reads_on_where_it_stopped_when_a_frame_was_not_whole_yet(tmp_path: Path, store: SampleStore):
    store.write([("cart", "m0", NOW, 1.0)])
    path = tmp_path / "t" / "00000001.journal"
    whole = path.read_bytes()
    (tmp_path / "growing").write_bytes(whole[:-3])
    journal = Journal(tmp_path / "growing", 1)
    assert list(journal.read_on()) == []
    (tmp_path / "growing").write_bytes(whole)
    assert [frame.values.tolist() for frame in journal.read_on()] == [[1.0]]
    journal.close()
