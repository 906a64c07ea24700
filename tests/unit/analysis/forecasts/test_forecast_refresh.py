"""A kept choice is the one that would be made again, and is made again when a day has passed or the forecast was wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reconciler.analysis.detectors.forecasts import Forecasts
from reconciler.analysis.forecasts import refresh
from reconciler.analysis.forecasts.choice import ALONE, ORIGINS, chosen
from reconciler.analysis.forecasts.forecast import Choices, choices, forecast
from reconciler.analysis.forecasts.history import DAY, HOUR, History
from reconciler.analysis.forecasts.refresh import Kept, drifted
from reconciler.ports.detector import Window

STEP_S = 300
WAVE = 50 * (1 + 0.4 * np.sin(np.arange(15 * DAY) / DAY * 2 * np.pi)) * np.random.default_rng(2).gamma(400, 1 / 400, 15 * DAY)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the pasts were that a choice was made of; of the day alone, which is quicker."""
    lengths: list[int] = []

    def once(history: History, alone: bool) -> Choices:
        lengths.append(len(history.values))
        found = chosen(history.values, HOUR, ALONE if alone else ORIGINS)
        return Choices(found, found)

    monkeypatch.setattr(refresh, "choices", once)
    return lengths


def until(step: int, values: np.ndarray = WAVE, since: int = 0) -> History:
    """A history whose first step is a midnight's."""
    return History(values[since:step], (step - 1) * STEP_S)


def test_a_choice_is_made_once_a_day_however_often_the_forecast_is_refreshed(made: list[int]):
    kept = Kept()
    found = [kept.choices(until(10 * DAY + step, since=step)) for step in (0, 1, 12, 100, 287)]
    assert made == [10 * DAY, 9 * DAY]
    assert found[1] is found[4]
    kept.choices(until(11 * DAY))
    assert made[2:] == [11 * DAY]


def test_whoever_kept_nothing_chooses_the_same(made: list[int]):
    kept = Kept()
    kept.choices(until(10 * DAY + 5))
    later = until(10 * DAY + 90)
    assert kept.choices(later).steps.weights == Kept().choices(later).steps.weights
    assert made == [10 * DAY, 10 * DAY]


def test_a_series_that_left_its_forecast_is_chosen_for_again_by_the_hour(made: list[int]):
    kept, moved = Kept(), WAVE.copy()
    moved[10 * DAY + 30 :] *= 3
    kept.choices(until(10 * DAY + 30, moved))
    kept.choices(until(10 * DAY + 43, moved))
    kept.choices(until(10 * DAY + 47, moved))
    assert made == [10 * DAY, 10 * DAY]
    kept.choices(until(10 * DAY + 49, moved))
    assert len(made) == 3


def test_only_more_misses_than_were_usual_are_a_drift():
    choice = chosen(WAVE[: 10 * DAY], HOUR)
    assert choice is not None
    for after, factor, told in ((HOUR, 1, False), (40, 1, False), (40, 3, True), (40, 0.2, True)):
        values = WAVE[: 10 * DAY + after].copy()
        values[-HOUR:] *= factor
        assert drifted(values, choice, after) is told
    constant = np.full(10 * DAY, 5.0)
    same = chosen(constant, HOUR)
    assert same is not None
    assert not drifted(constant, same, 40)


def test_what_a_pool_speaks_beside_and_what_speaks_alone_are_kept_apart(made: list[int]):
    kept = Kept()
    beside, alone = (kept.choices(until(12 * DAY), alone=alone) for alone in (False, True))
    assert (beside.steps.origins, alone.steps.origins) == (ORIGINS, ALONE)
    assert beside.steps.weights == alone.steps.weights
    assert [kept.choices(until(12 * DAY), alone=alone).steps.origins for alone in (False, True)] == [ORIGINS, ALONE]
    assert len(made) == 2


def test_late_data_are_another_past(made: list[int]):
    kept, late = Kept(), WAVE.copy()
    late[9 * DAY] += 1
    kept.choices(until(10 * DAY + 5))
    kept.choices(until(10 * DAY + 6, late))
    assert len(made) == 2


def test_choices_outlive_the_process(tmp_path: Path, made: list[int]):
    kept = Kept(tmp_path / "choices.json")
    first = kept.choices(until(10 * DAY + 5))
    kept.save()
    again = Kept(tmp_path / "choices.json").choices(until(10 * DAY + 9))
    assert len(made) == 1
    assert again.steps.weights == first.steps.weights
    assert all(np.array_equal(a, b) for a, b in zip(again.steps.residuals, first.steps.residuals, strict=True))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 3}', '{"a": [1, 2]}', '{"a": [[[], [], []], null]}'])
def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path, text: str, made: list[int]):
    (tmp_path / "choices.json").write_text(text, encoding="utf-8")
    kept = Kept(tmp_path / "choices.json")
    kept.choices(until(5 * DAY))
    kept.save()
    Kept(tmp_path / "choices.json").choices(until(5 * DAY))
    assert len(made) == 1


def test_no_more_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch, made: list[int]):
    monkeypatch.setattr(refresh, "MOST", 2)
    kept = Kept()
    for days in (4, 5, 6, 4):
        kept.choices(until(days * DAY))
    assert len(made) == 4


def test_a_series_that_has_no_mark_behind_it_that_is_old_enough_is_chosen_for_as_it_is():
    young = until(3 * DAY + 40, since=30)
    assert Kept().choices(young).steps.weights == choices(young).steps.weights


def test_a_refreshed_forecast_repeats_the_day():
    history = until(10 * DAY + 40)
    found = forecast(history, kept=Kept().choices(history))
    assert np.allclose(found.steps.point, WAVE[10 * DAY + 40 : 11 * DAY + 40], rtol=0.25)


def test_the_detector_says_the_same_whether_choices_were_kept_or_not(tmp_path: Path):
    at = (np.arange(6 * DAY) * STEP_S * 1000).astype(np.int64)
    asked = Window({("cart", "cpu_usage"): (at, WAVE[: 6 * DAY])}, (), int(at[-1]))
    first, second = Forecasts(), Forecasts()
    for detector in (first, second):
        detector.keep_in(tmp_path / "choices.json")
    said = [detector.detect(asked) for detector in (first, second, Forecasts())]
    assert said[0] == said[1] == said[2]
    assert (tmp_path / "choices.json").stat().st_size > 1_000
