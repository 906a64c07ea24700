"""Steps of time over many series at once say what the samples say one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reconciler.adapters.telemetry import Bounds
from reconciler.adapters.telemetry.columns import tally
from reconciler.adapters.telemetry.gridding import gridded
from reconciler.adapters.telemetry.samples import SampleStore

NOW = 1_700_000_000_000
SERIES, TAKEN = 150, np.delete(np.arange(900), slice(100, 131))  # with a gap of more than two minutes
SPAN = (NOW + 7_000, NOW + 4_400_000)


@pytest.fixture
def store(tmp_path: Path) -> SampleStore:
    """Three kinds of values, written in another order than that of their names."""
    chance = np.random.default_rng(3)
    values = np.concatenate([
        np.cumsum(chance.poisson(40, (50, len(TAKEN))), axis=1),
        np.round(chance.normal(40, 9, (50, len(TAKEN))), 2),
        chance.normal(0.2, 0.01, (50, len(TAKEN))),
    ])  # fmt: skip
    names = [("cart", f"m{n}") for n in chance.permutation(SERIES)]
    made = SampleStore(tmp_path / "t", Bounds())
    made.append(names, np.repeat(np.arange(SERIES), len(TAKEN)), np.tile(NOW + TAKEN * 5_000, SERIES), values.ravel())
    return made


@pytest.mark.parametrize("step_ms", [5_000, 17_000, 60_000, 300_000])
@pytest.mark.parametrize("rows", [1, 1_000], ids=["turned", "row by row"])
def test_steps_are_those_of_the_samples_however_they_are_summed_up(
    store: SampleStore, monkeypatch: pytest.MonkeyPatch, rows: int, step_ms: int
) -> None:
    monkeypatch.setattr(tally, "_LINES", rows)
    grid, wanted = store.grid(None, *SPAN, step_ms), gridded(store.window(None, SPAN[0], SPAN[1] - 1), *SPAN, step_ms)
    assert grid.series == wanted.series
    for name in ("times", "count", "low", "high", "last"):
        np.testing.assert_array_equal(getattr(grid, name), getattr(wanted, name), name)
    np.testing.assert_allclose(grid.mean, wanted.mean, rtol=1e-12)
    assert step_ms > 60_000 or (grid.count == 0).any()
    store.close()
