"""The record of one repair: complete, proved, and enough to judge again."""

import dataclasses
from collections.abc import Iterator

import pytest
from installation import Installation, installation

from reconciler.model.records import LoggedRecord
from reconciler.replay import replay


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A release was rolled back, and that was better. These tests only read."""
    with installation(tmp_path_factory.mktemp("record")) as site:
        site.allow("rollback-release")
        site.bad_release("failing")
        site.until(lambda: site.payloads("outcome") and not site.cases(open_only=True), seconds=500)
        yield site


def test_every_arrow_of_the_loop_left_a_record_and_they_prove_themselves(repaired: Installation) -> None:
    of_incident = [r.record.kind.value for r in repaired.records() if r.record.incident == merge(repaired).record.incident]
    assert of_incident == ["incident", "diagnosis", "proposal", "ballots", "verdict", "merge", "outcome", "outcome", "closed"]
    report = repaired.verify()
    assert report.ok, report.problems


def test_replay_gives_the_same_verdict_byte_for_byte(repaired: Installation) -> None:
    world = repaired.system.world
    found = replay(world.repo, world.log, merge(repaired).record.incident)
    assert [(v.effect, v.same) for v in found] == [("merge", True)]


def test_a_judge_that_changed_its_mind_is_noticed(repaired: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler import replay as module

    honest = module.judge
    monkeypatch.setattr(module, "judge", lambda *a: dataclasses.replace(honest(*a), rule="another rule"))
    world = repaired.system.world
    assert [v.same for v in replay(world.repo, world.log, merge(repaired).record.incident)] == [False]


def merge(site: Installation) -> LoggedRecord:
    (found,) = site.records("merge")
    return found
