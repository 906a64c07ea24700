"""A pool is learned once a day of loads that are long enough, kept in a file, and used by the detector where it helps."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from reconciler.adapters.analysts import pooling
from reconciler.adapters.analysts.lessons import taught
from reconciler.adapters.analysts.pooling import DAY_MS, FEWEST, STEP_MS, Pooling
from reconciler.analysis.detectors.forecasts import Forecasts
from reconciler.analysis.forecasts import pool as pools
from reconciler.analysis.forecasts import trial
from reconciler.analysis.forecasts.saving import dumped, loaded
from reconciler.errors import Retryable
from reconciler.model.telemetry import Grid, Topology
from reconciler.ports.analyst import Inquiry
from reconciler.ports.detector import Window

NOW = 1_700_006_400_000
STEPS = 8 * 288
LAST = (STEPS - 582, STEPS - 438, STEPS - 294)  # the crowds of the days that are foretold come before what is asked
NAMES = [(f"s{i}", "requests_per_second") for i in range(FEWEST)]


def load(seed: int) -> np.ndarray:
    """Crowds that come at any time and leave slowly, in every series alike: who has seen others knows how it goes on."""
    draw = np.random.default_rng(seed)
    level, crowd = np.empty(STEPS), 0.0
    for step in range(STEPS):
        comes = draw.random() < 1 / 150 if step < STEPS - 600 else step in LAST
        crowd = 4.0 if comes else crowd * 0.97
        level[step] = 100 * (1 + crowd)
    return level * draw.lognormal(0, 0.02, STEPS)


def telemetry(names: list[tuple[str, str]], values: np.ndarray) -> SimpleNamespace:
    times = NOW - STEP_MS * np.arange(len(values[0]), 0, -1)
    count = np.ones(values.shape, np.int64)

    def grid(components: list[str], *_: object) -> Grid:
        rows = [row for row, key in enumerate(names) if key[0] in components]
        return Grid(tuple(names[row] for row in rows), times, *([count[rows]] + 4 * [values[rows]]))

    return SimpleNamespace(
        grid=grid,
        topology=lambda: Topology(tuple(sorted({component for component, _ in names})), ()),
        metrics=lambda component: [metric for owner, metric in names if owner == component],
    )


def asked(now_ms: int = NOW) -> Inquiry:
    return Inquiry(now_ms - 14 * DAY_MS, now_ms)


@pytest.fixture(scope="module")
def loads() -> np.ndarray:
    return np.stack([load(seed) for seed in range(FEWEST)])


@pytest.fixture(scope="module")
def taught_pool(tmp_path_factory: pytest.TempPathFactory, loads: np.ndarray):
    file = tmp_path_factory.mktemp("pool") / "pool.json"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pools, "EVERY", 131)
        patched.setattr(pools, "POINT", pools.POINT | {"n_estimators": 20, "max_depth": 3, "learning_rate": 0.3})
        patched.setattr(pools, "QUANTILES", pools.QUANTILES | {"n_estimators": 10, "max_depth": 3, "learning_rate": 0.3})
        said = Pooling(telemetry(NAMES, loads), file).learn(asked())
    return file, said


def test_a_pool_that_helps_is_used_by_the_detector_and_named_in_its_settings(taught_pool, loads: np.ndarray) -> None:
    file, said = taught_pool
    assert said.text.startswith(f"forecasts learn of {FEWEST} loads: in two days ")
    detector = Forecasts()
    before = detector.settings
    detector.learn_from(file)
    assert detector.settings != before
    times = NOW - STEP_MS * np.arange(STEPS, 0, -1)
    found = detector.detect(Window({NAMES[0]: (times, loads[0])}, (), NOW))
    assert "boosting and mixture" in next(f for f in found if f.kind == "forecast").text


def test_it_is_learned_again_after_a_day_and_not_before(taught_pool, loads: np.ndarray) -> None:
    file, _ = taught_pool
    few = Pooling(telemetry(NAMES[:2], loads[:2]), file)
    assert few.learn(asked(NOW + DAY_MS - 1)) is None
    kept = file.read_bytes()
    assert "yet: 2 of at least 8" in few.learn(asked(NOW + DAY_MS)).text
    assert loaded(file.read_bytes()) == (None, NOW + DAY_MS)
    file.write_bytes(kept)


def test_a_pool_without_which_the_last_day_was_foretold_better_is_not_used(
    tmp_path, taught_pool, loads: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = loaded(taught_pool[0].read_bytes())
    worse = pools.Learnt(
        SimpleNamespace(predict=lambda rows: np.full(len(rows), 99.0)), pool.steps.quantiles, pool.steps.moves, 12
    )
    monkeypatch.setattr(trial, "ORIGINS", trial.ORIGINS[-1:])
    monkeypatch.setattr(pooling, "learnt", lambda pasts: type(pool)(worse, pool.hourly))
    said = Pooling(telemetry(NAMES, loads), tmp_path / "pool.json").learn(asked())
    assert said.text.startswith("forecasts do not learn of other series")
    assert loaded((tmp_path / "pool.json").read_bytes()) == (None, NOW)


@pytest.mark.parametrize(
    "other", [np.full(STEPS, 7.0), np.where(np.arange(STEPS) < 3 * 288, np.nan, 5.0), np.full(STEPS, np.nan)]
)
def test_what_never_moved_or_is_younger_than_a_week_teaches_nothing(tmp_path, loads: np.ndarray, other: np.ndarray) -> None:
    values = np.stack([loads[0], other])
    made = telemetry([("a", "requests_per_second"), ("b", "requests_per_second")], values)
    assert "yet: 1 of at least 8" in Pooling(made, tmp_path / "pool.json").learn(asked()).text
    nothing = telemetry([("a", "error_rate")], values[:1])
    assert "yet: 0 of at least 8" in Pooling(nothing, tmp_path / "none.json").learn(asked()).text


def test_telemetry_that_does_not_answer_is_said_and_nothing_is_kept(tmp_path) -> None:
    def fails(*_: object) -> Grid:
        raise Retryable("no answer")

    answer = taught(asked(), [Pooling(SimpleNamespace(topology=fails), tmp_path / "pool.json")])
    assert answer.missing == "telemetry did not answer the lessons: no answer"
    assert not (tmp_path / "pool.json").exists()


def test_what_is_read_foretells_as_what_was_written(taught_pool) -> None:
    pool, made_ms = loaded(taught_pool[0].read_bytes())
    again, _ = loaded(dumped(pool, made_ms))
    rows = np.random.default_rng(0).random((5, pool.steps.point.n_features_in_))
    assert np.array_equal(again.steps.quantiles.predict(rows), pool.steps.quantiles.predict(rows))
    assert np.array_equal(again.hourly.moves, pool.hourly.moves)


@pytest.mark.parametrize(
    "said",
    [
        {"format": 0},
        {"made_ms": "x"},
        {"learnt": [{}]},
        {"learnt": [{}, {}]},
        {"moves": [[1]]},
        {"point": "??"},
        {"point": "bm8="},
    ],
)
def test_what_is_no_pool_is_refused(taught_pool, said) -> None:
    whole = json.loads(taught_pool[0].read_bytes())
    broken = (
        {**whole, **said} if not said.keys() & {"moves", "point"} else {**whole, "learnt": [{**whole["learnt"][0], **said}] * 2}
    )
    with pytest.raises(ValueError, match=r"."):
        loaded(json.dumps(broken).encode())


def test_no_more_is_read_at_once_than_there_is_memory_for(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "PORTION", 4)
    names = [(f"s{i}", metric) for i in range(6) for metric in ("cpu_usage", "error_rate")] + [("quiet", "error_rate")] * 9
    made, asked_for = telemetry(names, np.full((len(names), STEPS), 7.0)), list[list[str]]()
    grid = made.grid
    made.grid = lambda components, *rest: asked_for.append(components) or grid(components, *rest)
    assert "yet: 0 of at least 8" in Pooling(made, tmp_path / "pool.json").learn(asked()).text
    assert [len(components) for components in asked_for] == [2, 2, 2]
    assert sorted(name for components in asked_for for name in components) == [f"s{i}" for i in range(6)]
    asked_for.clear()
    monkeypatch.setattr(pooling, "MOST_READ", 3)
    Pooling(made, tmp_path / "again.json").learn(asked())
    assert [len(components) for components in asked_for] == [2]


def test_a_clock_that_was_set_back_stops_no_learning(tmp_path, loads: np.ndarray) -> None:
    (tmp_path / "pool.json").write_bytes(dumped(None, NOW + 900 * DAY_MS))
    assert Pooling(telemetry(NAMES[:2], loads[:2]), tmp_path / "pool.json").learn(asked()) is not None


def test_trees_of_a_release_with_other_features_are_refused(taught_pool) -> None:
    whole = json.loads(taught_pool[0].read_bytes())
    swapped = {**whole, "learnt": whole["learnt"][::-1]}  # an hour's trees know other methods than those of steps
    with pytest.raises(ValueError, match="other features"):
        loaded(json.dumps(swapped).encode())
