"""Files that somebody recorded become samples, calls and changes; what is wrong is told with its place."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from reconciler.adapters.recordings import folder, read_folder, tables
from reconciler.adapters.recordings.cells import time_ms
from reconciler.adapters.recordings.naming import keys_of
from reconciler.errors import HomeostatError, Misconfigured, Permanent
from reconciler.model.telemetry import TracedCall

METRICS = {"latency", "cpu", "error"}


def read(tmp_path, **files):
    for name, text in files.items():
        stem, _, end = name.rpartition("_")
        (tmp_path / f"{stem}.{end}").write_text(text, encoding="utf-8")
    return read_folder(tmp_path, METRICS.__contains__, lambda text: None)


def samples(recorded):
    return {key: (at.tolist(), what.tolist()) for key, (at, what) in recorded.samples.items()}


def test_a_wide_table_has_a_column_for_each_metric_and_an_empty_cell_is_a_gap(tmp_path):
    found = read(tmp_path, m_csv="time,cart|latency|p99,db|cpu\n1000,5,\n1060,6.5,nan\n1120,,3e2\n")
    assert samples(found) == {
        ("cart", "latency|p99"): ([1_000_000, 1_060_000], [5, 6.5]), ("db", "cpu"): ([1_120_000], [300]),
    }  # fmt: skip


def test_a_long_table_names_component_and_metric_in_every_row(tmp_path):
    found = read(tmp_path, m_csv="ts,service,metric,value\n2024-05-01T12:00:00Z,cart,cpu,1\n2024-05-01 12:01,cart,cpu,2\n")
    assert samples(found) == {("cart", "cpu"): ([1_714_564_800_000, 1_714_564_860_000], [1, 2])}


def test_parquet_is_read_like_csv_and_phase_says_when_all_was_well(tmp_path):
    columns = {
        "ts": [10, 20, 30],
        "phase": ["normal", "normal", "abnormal"],
        "cart|cpu": pa.array([1.0, None, 3.0], pa.float32()),
    }
    parquet.write_table(pa.table(columns), tmp_path / "m.parquet")
    found = read(tmp_path)
    assert samples(found) == {("cart", "cpu"): ([10_000, 30_000], [1, 3])}
    assert found.normal_ms == (10_000, 20_001)


def test_traces_are_read_and_what_no_trace_can_be_is_left_out(tmp_path):
    rows = f"9,{'AB' * 16},front,cart,12.5,true,GET /\n9,nonsense,front,cart,1,0,\n9,{'cd' * 16},front,cart,,0,\n"
    head = "time,trace_id,caller,callee,duration_ms,failed,operation\n"
    found = read(tmp_path, m_csv="t,cart.cpu\n1,2\n", traces_csv=head + rows)
    assert found.traces == (TracedCall("front", "cart", "GET /", "ab" * 16, 9_000, 12.5, failed=True),)
    with pytest.raises(Misconfigured, match=r"traces\.csv:2: 'soon' is no number"):
        read(tmp_path, traces_csv=head + f"9,{'ab' * 16},front,cart,soon,1,\n")


def test_calls_and_changes_are_read_beside_the_samples(tmp_path):
    found = read(
        tmp_path, m_csv="t,cart.cpu\n1,2\n", calls_csv="caller,callee,count\nfront,cart,9\nfront,cart,9\n",
        changes_csv="time,component,what,commit\n9,cart,release,c0ffee\n5,db,config,\n",
    )  # fmt: skip
    assert found.calls == (("front", "cart"),)
    assert found.counts == {("front", "cart"): 18.0}
    assert [(c.component, c.at_ms, c.what, c.commit) for c in found.changes] == [
        ("db", 5_000, "config", ""), ("cart", 9_000, "release", "c0ffee"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "known", "wanted"),
    [
        (["a|b|c", "d|e"], (), [("a", "b|c"), ("d", "e")]),
        (["a.b.c", "d.e"], ("a.b",), [("a.b", "c"), ("d", "e")]),
        (["my_cart_cpu", "db_cpu"], ("my_cart",), [("my_cart", "cpu"), ("stem", "db_cpu")]),
        (["cart_latency_p99", "db_cpu"], (), [("cart", "latency_p99"), ("db", "cpu")]),
        (["latency_p99", "cpu_usage"], (), [("stem", "latency_p99"), ("stem", "cpu_usage")]),
        (["one_thing", "one_other"], (), [("stem", "one_thing"), ("stem", "one_other")]),
        (["plain"], (), [("stem", "plain")]),
        (["|x", "x|"], (), [("stem", "|x"), ("stem", "x|")]),
    ],
)
def test_a_column_means_a_metric_of_a_component(columns, known, wanted):
    assert keys_of(columns, "stem", known, METRICS.__contains__) == wanted


@pytest.mark.parametrize(
    "text", ["1714564800", "1714564800000", "1714564800000000", "1714564800000000000", "2024-05-01T14:00+02:00"]
)
def test_a_time_is_read_by_its_size_or_as_a_date(text):
    assert time_ms(text, "here") == 1_714_564_800_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,a|b\n1,x\n", r"m\.csv:2: 'x' is no number"),
        ("time,a|b\n1,2\nlater,2\n", r"m\.csv:3: 'later' is no time"),
        ("time,a|b\n1,2,3\n", r"m\.csv:2: 3 cells under 2 column names"),
        ("time,a|b\n1,2\n\n3,4\n", r"m\.csv:3: an empty line"),
        ('time,a|b\n1,"2\n3"\n', r"m\.csv:\d: an empty line, or a cell"),
        ("time,a|b,a|b\n", r"m\.csv:1: the column 'a\|b' is there twice"),
        ("a|b,c|d\n1,2\n", r"m\.csv:1: no column says when"),
        ("", r"m\.csv:1: there are no column names"),
        ("time,a|b\n1e300,2\n", r"m\.csv:2: 1e\+300 is no time"),
        ("time,a|b\n1," + "9" * 2_000 + "\n", r"m\.csv:2: field larger than"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, text, told):
    with pytest.raises(Misconfigured, match=told):
        read(tmp_path, m_csv=text)


def test_a_file_that_is_no_text_and_one_that_is_no_parquet_are_told(tmp_path):
    (tmp_path / "m.csv").write_bytes(b"time,a|b\n\xff\xfe,1\n")
    with pytest.raises(Misconfigured, match="no UTF-8"):
        read(tmp_path)
    (tmp_path / "m.csv").unlink()
    (tmp_path / "m.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(Misconfigured, match=r"m\.parquet"):
        read(tmp_path)


def test_a_folder_without_samples_and_one_that_is_none_say_what_to_do(tmp_path):
    with pytest.raises(Permanent, match="no samples"):
        read(tmp_path, calls_csv="caller,callee\n")
    with pytest.raises(Permanent, match="no folder"):
        read_folder(tmp_path / "none", METRICS.__contains__, print)


def test_calls_without_a_callee_name_the_columns_that_are_wanted(tmp_path):
    with pytest.raises(Misconfigured, match=r"calls\.csv:1: no column 'callee'.*caller, callee"):
        read(tmp_path, m_csv="t,a|b\n1,2\n", calls_csv="caller,who\na,b\n")


def test_too_many_cells_and_too_many_series_are_refused(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "MAX_CELLS", 3)
    monkeypatch.setattr(tables, "EVERY", 1)
    with pytest.raises(Permanent, match="more than 3 cells"):
        read(tmp_path, m_csv="time,a|b\n1,2\n2,3\n")
    monkeypatch.setattr(tables, "MAX_CELLS", 100)
    monkeypatch.setattr(folder, "MAX_SERIES", 1)
    with pytest.raises(Permanent, match="more than 1 series"):
        read(tmp_path, m_csv="time,a|b,a|c\n1,2,3\n")


def test_what_is_read_is_numbers_and_nothing_else_ever_comes_out(tmp_path):
    rng = np.random.default_rng(4)
    signs = list('time,ab|.\n\r"019eE+-: \t\0\u202e')
    for _ in range(150):
        text = "".join(rng.choice(signs, rng.integers(0, 60)))
        try:
            found = read(tmp_path, m_csv="time,a|b\n" + text)
        except HomeostatError:
            continue
        assert all(np.isfinite(what).all() for _, what in found.samples.values())
