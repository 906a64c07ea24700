"""A recording that somebody made to do harm costs little and is refused with its place."""

from __future__ import annotations

import os

import pyarrow as pa
import pytest
from pyarrow import parquet

from reconciler.adapters.recordings import folder, read_folder, tables
from reconciler.errors import Misconfigured, Permanent


def read(tmp_path):
    return read_folder(tmp_path, {"cpu"}.__contains__, lambda text: None)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_not_opened(tmp_path, make):
    make(tmp_path / "m.csv")
    with pytest.raises(Permanent, match="is no file"):
        read(tmp_path)


def test_a_line_is_never_longer_than_a_table_is_wide(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "MAX_LINE", 20)
    (tmp_path / "m.csv").write_text("time,a|b\n1," + " " * 20 + "\n")
    with pytest.raises(Permanent, match="more than 20 characters"):
        read(tmp_path)


def test_cells_are_counted_with_every_line(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "MAX_CELLS", 3)
    (tmp_path / "m.csv").write_text("time,a|b\n1,2\n2,3\n")
    with pytest.raises(Permanent, match="more than 3 cells"):
        read(tmp_path)


def test_cells_are_counted_over_all_files(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "MAX_CELLS", 6)
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("time,x|cpu\n1,2\n2,3\n")
    with pytest.raises(Permanent, match="together more than 6 cells"):
        read(tmp_path)


def test_files_that_are_together_too_large_are_not_opened(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder, "MAX_BYTES", 30)
    for name in ("a", "calls"):
        (tmp_path / f"{name}.csv").write_text("not, a; table" * 2)
    with pytest.raises(Permanent, match="together larger than"):
        read(tmp_path)


def test_a_number_beyond_all_numbers_is_a_gap(tmp_path):
    (tmp_path / "m.csv").write_text("time,a|cpu\n1,1e999\n2,3\n")
    assert read(tmp_path).samples["a", "cpu"][1].tolist() == [3.0]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pa.array([[1.0] * 1_000]), "not single values"),
        (pa.array([{"x": 1}]), "not single values"),
        (pa.array(["x" * 2_000]), "a cell of more than 1000 characters"),
        (pa.array(["x" * 2_000]).dictionary_encode(), "a cell of more than 1000 characters"),
        (pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers()), "decode"),
        (pa.array([2**62], pa.timestamp("us")), r"m\.parquet"),
    ],
)
def test_a_parquet_column_that_is_no_column_of_values_is_refused(tmp_path, column, told):
    parquet.write_table(pa.table({"time": [1], "a|cpu": column}), tmp_path / "m.parquet")
    with pytest.raises(Misconfigured, match=told):
        read(tmp_path)


def test_a_parquet_file_that_unpacks_to_more_than_a_file_may_have_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch):
    parquet.write_table(pa.table({"time": range(100_000), "a|cpu": [0.0] * 100_000}), tmp_path / "m.parquet")
    monkeypatch.setattr(tables, "MAX_BYTES", (tmp_path / "m.parquet").stat().st_size)
    with pytest.raises(Permanent, match="unpacks to more"):
        read(tmp_path)


def test_text_of_few_kinds_is_read_as_it_stands(tmp_path):
    columns = {"time": [1, 2, 3], "service": ["a", "b", "a"], "metric": ["cpu"] * 3, "value": [1.5, None, 2.0]}
    parquet.write_table(pa.table(columns), tmp_path / "m.parquet")
    found = read(tmp_path).samples
    assert {key: what.tolist() for key, (_, what) in found.items()} == {("a", "cpu"): [1.5, 2.0], ("b", "cpu"): []}
