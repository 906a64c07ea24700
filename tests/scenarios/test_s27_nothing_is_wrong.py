"""S27, no-op controls: healers "fix" healthy systems. Thirty episodes without a fault: no incident, no pull request.

Each episode is a whole installation at another hour of the day with other noise; everything is allowed to merge by
itself, so that nothing but the evidence holds the machine back.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from installation import Installation, installation

from reconciler.lab.snapshot import read_snapshot, write_snapshot
from reconciler.settings import Home

HOUR_MS = 3_600_000
EPISODES = 30
PARTS = 6
STEP_MS = 10_000


def displaced(hours: float, seed: int) -> Callable[[Home], None]:
    """The prepared home, as if it had been prepared at another hour with another seed."""

    def change(home: Home) -> None:
        now = int(home.clock.read_text()) + int(hours * HOUR_MS)
        home.clock.write_text(f"{now}\n")
        found = read_snapshot(home.lab)
        assert found is not None
        write_snapshot(home.lab, dataclasses.replace(found, seed=seed, time_ms=now // 1_000 * 1_000 - 60_000))

    return change


def episode(site: Installation, seconds: int) -> None:
    for _ in range(0, seconds * 1_000, STEP_MS):
        site.clock.advance(STEP_MS)
        site.settle()


@pytest.mark.parametrize("part", range(PARTS))
def test_without_a_fault_there_is_no_incident_and_no_pull_request(tmp_path: Path, part: int) -> None:
    for n in range(part, EPISODES, PARTS):
        with installation(tmp_path / str(n), change=displaced(n * 24 / EPISODES, seed=100 + n)) as site:
            site.allow_everything("autonomous")
            episode(site, 180)
            assert site.cases() == [], (n, site.story())
            assert site.payloads("incident") == []
            assert site.pulls() == []
            assert site.machine_commits() == []


def test_the_same_episode_with_a_fault_is_seen(tmp_path: Path) -> None:
    with installation(tmp_path, change=displaced(17, seed=117)) as site:
        site.allow("rollback-release")
        episode(site, 180)
        site.bad_release("failing")
        episode(site, 90)
        assert len(site.payloads("incident")) >= 1
        assert len(site.machine_commits()) == 1
