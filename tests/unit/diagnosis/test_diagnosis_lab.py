"""Diagnosis on the lab, with causes known and harmless releases to mislead it."""

import pytest
from diagnosis_episodes import KINDS, play


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "nothing"])
def test_most_claims_on_the_lab_are_right_and_the_sure_ones_almost_all(kind, tmp_path):
    episodes = []
    for seed in range(4):
        (tmp_path / str(seed)).mkdir()
        episodes.append(play(tmp_path / str(seed), kind, seed))
    claims = [e for e in episodes if e.right is not None]
    assert claims
    assert sum(e.right for e in claims) >= 0.75 * len(claims)


def test_a_false_alarm_on_a_healthy_lab_is_unknown_even_after_releases(tmp_path):
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        assert play(tmp_path / str(seed), "nothing", seed).diagnosis.top is None
