"""The telemetry store against a plain dictionary: whatever is told, sealed, reopened and read from beside, both say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from examples import many
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.telemetry import Bounds
from reconciler.adapters.telemetry.columns import reading, tally
from reconciler.adapters.telemetry.columns.block import Block, seal
from reconciler.adapters.telemetry.samples import SampleStore

NAMES = [("cart", "cpu"), ("cart", "x{a=b}"), ("web", "cpu"), ("db", "latency_p99")]
NUMBERS = st.sampled_from([0.0, 1.0, 0.1, 2.5, -3.25, 1e300, -1.7e308, 5e-324, 1 / 3, 2.0**53, 4e9]) | st.floats(allow_nan=True)
TIMES = st.integers(0, 60) | st.integers(0, 1 << 42)
ROWS = st.lists(st.tuples(st.sampled_from(NAMES), TIMES, NUMBERS), max_size=12)
ACTS = st.lists(st.one_of(ROWS, st.sampled_from(["seal", "reopen"])), max_size=8)
EVER = (0, 1 << 42)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("stores")
    return (root / str(number) for number in count())


def _store(folder: Path) -> SampleStore:
    return SampleStore(folder, Bounds(retention_ms=1 << 50, raw_ms=1 << 50))


def _act(store: SampleStore, act: object, folder: Path, model: dict[tuple[str, str], dict[int, float]]) -> SampleStore:
    if act == "seal":
        with store._folder.writing():
            store._folder.seal_head()
    elif act == "reopen":
        store.close()
        return _store(folder)
    else:
        store.write([(*name, at, value) for name, at, value in act])
        for name, at, value in act:
            if math.isfinite(value) and at < 1 << 42:
                model.setdefault(name, {})[at] = value
    return store


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=many(25))
@given(
    read=st.sampled_from([(0, 1), (0, 128), (8, 128)]),
    acts=ACTS,
    start=st.integers(0, 70),
    length=st.integers(1, 70),
    step=st.integers(1, 80),
)
def test_the_store_says_what_a_dictionary_says(folders: Iterator[Path], read, acts, start: int, length: int, step: int):
    """As matrices, turned and as they lie, and sample by sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_ROWS_A_GROUP", read[0])
        patch.setattr(tally, "_LINES", read[1])
        _agree(next(folders), acts, (start, start + length), step)


def _agree(folder: Path, acts, span: tuple[int, int], step: int) -> None:
    model: dict[tuple[str, str], dict[int, float]] = {}
    store, beside = _store(folder), _store(folder)
    for act in acts:
        store = _act(store, act, folder, model)
        beside.newest()  # it follows, act by act
    for reader in (store, beside):
        assert reader.newest() == max((t for held in model.values() for t in held), default=0)
        for window in (EVER, span):
            _same_window(reader, model, *window)
        _same_grid(reader, model, *span, step)
        reader.close()


def _within(held: dict[int, float], start: int, end: int) -> list[tuple[int, float]]:
    return sorted((t, v) for t, v in held.items() if start <= t <= end)


def _same_window(store: SampleStore, model: dict[tuple[str, str], dict[int, float]], start: int, end: int) -> None:
    expected = {name: points for name in sorted(model) if (points := _within(model[name], start, end))}
    found = store.window(None, start, end)
    assert list(found) == list(expected)
    for name, (times, values) in found.items():
        assert list(zip(times.tolist(), values.tolist(), strict=True)) == expected[name]
        assert np.array_equal(store.range(*name, start, end)[1], values)


def _same_grid(store: SampleStore, model: dict[tuple[str, str], dict[int, float]], start: int, end: int, step: int) -> None:
    grid = store.grid(None, start, end, step)
    assert grid.series == tuple(name for name in sorted(model) if _within(model[name], start, end - 1))
    for row, name in enumerate(grid.series):
        for at, begin in enumerate(grid.times.tolist()):
            values = [v for _, v in _within(model[name], begin, min(begin + step, end) - 1)]
            found = [part[row, at] for part in (grid.low, grid.high, grid.last)]
            assert grid.count[row, at] == len(values)
            if values:
                assert found == [min(values), max(values), values[-1]]
                assert min(values) <= grid.mean[row, at] <= max(values)
                scale = max(map(abs, values))
                assert scale > 1e300 or abs(grid.mean[row, at] - sum(v / len(values) for v in values)) <= 1e-12 * scale
            else:
                assert all(math.isnan(value) for value in (*found, grid.mean[row, at]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=many(25))
@given(
    rows=st.lists(
        st.lists(st.decimals(-(10**9), 10**9, places=3).map(float) | NUMBERS.filter(math.isfinite), min_size=1, max_size=6),
        min_size=1,
        max_size=5,
    )
)
def test_every_float_comes_back_from_a_block_bit_for_bit(folders: Iterator[Path], rows: list[list[float]]):
    path = next(folders)
    counts = np.array([len(row) for row in rows])
    times = np.concatenate([np.arange(n) * 7 for n in counts]).astype(np.int64)
    names = [("cart", f"m{i}") for i in range(len(rows))]
    seal(path, names, np.cumsum(counts) - counts, times, np.array([v for row in rows for v in row]))
    block = Block(path, 1)
    assert sorted(block.names()) == names
    for i, (_, metric) in enumerate(block.names()):
        assert block.unpacked(block.packed(i, i + 1), i, i + 1)[0].tolist() == rows[int(metric[1:])]
        assert block.axis(int(block.rows["axis"][i])).tolist() == list(range(0, 7 * len(rows[int(metric[1:])]), 7))
    block.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=many(25))
@given(data=st.data())
def test_a_file_with_any_bytes_wrong_costs_its_own_samples_and_nothing_else(folders: Iterator[Path], data: st.DataObject):
    folder = next(folders)
    store = _store(folder)
    for first in (0, 100):
        store.write([(*NAMES[0], first + at, 1.5 * at) for at in range(20)])
        with store._folder.writing():
            store._folder.seal_head()
    store.write([(*NAMES[1], at, 2.0) for at in (200, 201)])
    store.close()
    file = data.draw(st.sampled_from(sorted(path for path in folder.iterdir() if path.name != "lock")))
    held = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(held) - 1))
    file.write_bytes(data.draw(st.sampled_from([held[:at], held[:at] + bytes([held[at] ^ 0xFF]) + held[at + 1 :]])))
    store = _store(folder)
    store.write([(*NAMES[2], 300, 3.0)])
    found = store.window(None, *EVER)
    assert found[NAMES[2]][1].tolist() == [3.0]
    kept = len(found.get(NAMES[0], ([],))[0])
    assert (kept, NAMES[1] in found) == ((20, True) if file.suffix == ".block" else (40, False))
    store.close()
