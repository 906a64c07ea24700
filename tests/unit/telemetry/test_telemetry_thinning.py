"""Old samples give way to means over five minutes, at no moment twice and at no moment gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reconciler.adapters.telemetry import Bounds
from reconciler.adapters.telemetry.columns.reading import crossed
from reconciler.adapters.telemetry.samples import SampleStore

NOW = 1_700_000_100_000  # begins a step of five minutes
MINUTE, HOUR = 60_000, 3_600_000
EVER = (0, 1 << 42)
BOUNDS = Bounds(retention_ms=48 * HOUR, raw_ms=6 * HOUR)
NAMES = [("cart", f"m{n}") for n in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SampleStore]:
    made = SampleStore(tmp_path / "t", BOUNDS)
    yield made
    made.close()


def _fill(store: SampleStore, hours: int, since: int = NOW, names: list[tuple[str, str]] = NAMES) -> None:
    """A sample a minute, a quarter of an hour at a time."""
    for quarter in range(hours * 4):
        times = since + (quarter * 15 + np.arange(1, 16)) * MINUTE
        which = np.repeat(np.arange(len(names)), 15)
        store.append(names, which, np.tile(times, len(names)), np.sin(np.tile(times, len(names)) / HOUR) + which)


def _files(store: SampleStore, ending: str) -> list[str]:
    return sorted(path.name for path in store._path.glob(f"*.{ending}"))


def test_old_samples_stay_as_means_and_new_ones_as_they_are(store: SampleStore, tmp_path: Path):
    whole = SampleStore(tmp_path / "whole", Bounds(retention_ms=48 * HOUR))
    for one in (store, whole):
        _fill(one, 14)
    assert (len(_files(store, "means")), _files(whole, "means")) == (1, [])
    old = (NOW, NOW + 5 * HOUR)
    assert 12 * 5 <= len(store.range("cart", "m1", *old)[0]) <= 14 * 5
    new = (NOW + 8 * HOUR, NOW + 14 * HOUR)
    assert np.array_equal(store.range("cart", "m1", *new)[1], whole.range("cart", "m1", *new)[1])
    thin, all_of = (one.grid(None, *old, 5 * MINUTE) for one in (store, whole))
    assert thin.series == all_of.series
    assert np.allclose(thin.mean, all_of.mean, atol=0.02)
    whole.close()


def test_means_follow_each_other_in_time_so_that_no_read_has_to_merge_them(store: SampleStore):
    _fill(store, 30, NOW + 17_000)
    folder = store._folder
    assert len(_files(store, "means")) > 1
    assert not crossed(folder.blocks, folder.head, len(folder.pairs)).any()


def test_a_process_that_is_killed_before_the_old_blocks_are_gone_leaves_nothing_twice(store: SampleStore, tmp_path: Path):
    _fill(store, 12)
    shutil.copytree(tmp_path / "t", tmp_path / "kept")
    _fill(store, 2, NOW + 12 * HOUR)
    for block in (tmp_path / "kept").glob("*.block"):
        if not (tmp_path / "t" / block.name).exists():
            shutil.copy(block, tmp_path / "t" / block.name)
    expected = store.range("cart", "m0", *EVER)[1].tolist()
    again = SampleStore(tmp_path / "t", BOUNDS)
    assert again.range("cart", "m0", *EVER)[1].tolist() == expected
    again.write([("cart", "m0", NOW + 14 * HOUR + MINUTE, 1.0)])
    assert "00000001.block" not in _files(store, "block")
    assert again.range("cart", "m0", *EVER)[1].tolist() == [*expected, 1.0]
    again.close()


def test_a_reader_beside_sees_the_means_as_soon_as_they_are_there(store: SampleStore, tmp_path: Path):
    _fill(store, 4)
    beside = SampleStore(tmp_path / "t", BOUNDS)
    assert len(beside.range("cart", "m0", *EVER)[0]) == 4 * 60
    _fill(store, 10, NOW + 4 * HOUR)
    assert beside.range("cart", "m0", *EVER)[1].tolist() == store.range("cart", "m0", *EVER)[1].tolist()
    beside.close()


def test_of_a_series_that_fell_silent_no_means_are_kept_so_that_its_name_makes_room(store: SampleStore):
    _fill(store, 1, names=[*NAMES, ("cart", "once")])
    _fill(store, 13, NOW + HOUR)
    assert store.metrics("cart") == ("m0", "m1", "m2")


def test_old_blocks_of_which_nobody_lives_leave_nothing(store: SampleStore):
    _fill(store, 10, names=[("cart", "once")])
    _fill(store, 8, NOW + 20 * HOUR)
    assert (store.metrics("cart"), _files(store, "means")) == (("m0", "m1", "m2"), [])


def test_what_is_too_much_is_thinned_before_anything_is_dropped(tmp_path: Path):
    small = SampleStore(tmp_path / "small", Bounds(retention_ms=480 * HOUR, raw_ms=48 * HOUR, max_bytes=60_000))
    _fill(small, 30)
    assert _files(small, "means")
    assert int(small.range("cart", "m0", *EVER)[0][0]) < NOW + HOUR
    assert sum(path.stat().st_size for path in (tmp_path / "small").iterdir()) < 70_000
    small.close()


def test_astronomical_values_have_a_mean_among_them(store: SampleStore):
    store.write([("cart", "huge", NOW + n * 1_000, 1.7e308) for n in range(60)])
    _fill(store, 14, names=[*NAMES, ("cart", "huge")])
    assert np.isfinite(store.range("cart", "huge", *EVER)[1]).all()
