"""The scores taken in the lab: what is drawn, what counts as right, and how a calibration error is counted."""

import dataclasses
import sys
from pathlib import Path

import pytest

BENCHMARKS = str(Path(__file__).parents[3] / "benchmarks")


@pytest.fixture(scope="module")
def scores():
    sys.path.insert(0, BENCHMARKS)
    from scores import lab_causes, lab_episodes, lab_site

    yield lab_causes, lab_episodes, lab_site
    sys.path.remove(BENCHMARKS)


@pytest.fixture(scope="module")
def history(scores, tmp_path_factory):
    return scores[2].History(tmp_path_factory.mktemp("lab") / "infra.git")


def test_a_calibration_error_is_the_distance_of_claims_from_hits_weighed_by_bin(scores):
    error = scores[0].calibration_error
    assert error([(0.95, True)] * 19 + [(0.95, False)]) == pytest.approx(0.0)
    assert error([(0.9, True), (0.9, False), (0.4, False), (0.4, False)]) == pytest.approx(0.4)


def test_a_seed_draws_one_to_six_changes_of_which_one_is_bad_at_any_place(scores, history):
    places = []
    for seed in range(20_000, 20_040):
        drawn = scores[1].Dice(seed, 0, history).changed()
        changes = [event for event in drawn.events if isinstance(event, scores[2].Change)]
        assert 1 <= len(changes) <= scores[1].MOST_CHANGES
        assert sum(change.bad for change in changes) == 1
        places.append([change.bad for change in changes].index(True) == len(changes) - 1)
    assert 0.2 < sum(places) / len(places) < 0.7


def test_a_quiet_draw_breaks_nothing(scores, history):
    for seed in range(20_000, 20_020):
        drawn = scores[1].Dice(seed, 0, history).quiet()
        assert not any(isinstance(event, scores[2].Change) and event.bad for event in drawn.events)
        troubles = [event.fault for event in drawn.events if isinstance(event, scores[2].Trouble)]
        assert all(fault["kind"] == "surge" and fault["factor"] <= 1.25 for fault in troubles)


def test_an_episode_is_the_same_every_time_and_only_the_broken_commit_is_right(scores, history):
    causes, episodes, _ = scores
    first, again = (episodes.play(history, 20_001, "changed") for _ in range(2))
    assert first.diagnosis == again.diagnosis
    top = first.diagnosis.causes[0]
    calls = history.topology.calls
    assert causes.right(first, dataclasses.replace(top, commit=first.guilty, component=first.drawn.broken), calls)
    assert not causes.right(first, dataclasses.replace(top, commit="0" * 40, component=first.drawn.broken), calls)
    assert not causes.right(first, None, calls)
