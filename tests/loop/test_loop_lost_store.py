"""The store is no authority: deleting it loses nothing, repeats nothing and undoes nothing."""

import pytest
from installation import Installation

from reconciler.adapters.forges.embedded import EmbeddedForge
from reconciler.errors import Retryable


def repaired(site: Installation, stage: str) -> None:
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until_stage(stage, seconds=120)


def once_only(site: Installation) -> None:
    assert len(site.pulls()) == 1
    assert len(site.payloads("merge")) == 1
    assert len(site.machine_commits()) == 1
    assert site.live("checkout", "release") == "1.4.2"
    assert site.verify().ok


def test_a_case_in_mid_soak_is_rebuilt_from_the_log_and_finished(site: Installation) -> None:
    repaired(site, "soak")
    applied = site.payloads("apply")
    site.lose_store()
    site.settle()
    assert [case.id for case in site.cases()] == [f"case-{site.machine_commits()[0][:12]}"]
    site.until_stage("done", seconds=400)
    assert site.story()[0][:2] == ("done", "better")
    once_only(site)
    again = [a for a in site.payloads("apply")[len(applied) :] if a["results"]]
    assert again == []  # everything was looked at again, nothing was done again


def test_a_pull_request_that_waited_is_found_again_and_not_opened_twice(site: Installation) -> None:
    site.allow("rollback-release", "review")
    site.bad_release("failing")
    site.until(lambda: site.pulls("open"), seconds=90)
    site.lose_store()
    site.advance(120)
    assert [p.number for p in site.pulls()] == [1]
    site.review(1)
    site.until_stage("guard", seconds=120)
    once_only(site)


def test_a_brake_survives_the_store(site: Installation) -> None:
    from reconciler.commands.brakes import put_on

    put_on(site.system.world, site.person(), "a demo for the board", 600_000)
    site.lose_store()
    site.allow("rollback-release")
    site.bad_release("failing")
    site.advance(60)
    assert site.machine_commits() == []


def test_a_restart_in_every_stage_changes_nothing_about_the_end(site: Installation) -> None:
    site.allow("rollback-release")
    site.bad_release("failing")
    stages = set()
    for _ in range(12):
        site.advance(10)
        stages |= {case.stage.value for case in site.cases()}
        site.restart()
        site.settle()
    assert {"guard", "soak"} <= stages
    once_only(site)


@pytest.mark.parametrize("held_up", ["open", "land"])
def test_an_undo_that_had_begun_is_begun_again_and_done_once(
    site: Installation, monkeypatch: pytest.MonkeyPatch, held_up: str
) -> None:
    def away(*_: object) -> None:
        raise Retryable("the forge is away")

    site.allow("scale-out")
    site.fault(kind="surge", service="checkout", factor=2.0)
    site.until_stage("guard", seconds=200)
    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedForge, held_up, away)
        site.until(lambda: any(c.stage.value == held_up and c.data.get("undo_reason") for c in site.cases()), seconds=120)
        site.records()  # the guard's word is in the signed log
        site.lose_store()
    site.until(lambda: len(site.machine_commits()) == 2, seconds=300)
    repair, revert = site.payloads("merge")[:2]
    assert revert["reverts"] == repair["commit"]
    assert len([v for v in site.payloads("merge") if v["reverts"] == repair["commit"]]) == 1
    site.advance(5)
    assert site.live("checkout", "replicas") == 3


def test_a_repair_found_worse_whose_case_has_ended_is_not_begun_again(site: Installation) -> None:
    site.allow("scale-out")
    site.fault(kind="surge", service="checkout", factor=2.0)
    site.until(lambda: len(site.machine_commits()) == 2, seconds=300)
    site.until(lambda: site.pulls("open"), seconds=600)  # the next smallest repair waits for a person, who does not want it
    site.review(site.pulls("open")[0].number, "reject")
    site.until(lambda: not site.cases(open_only=True), seconds=900)
    site.lose_store()
    site.settle()
    assert not [case for case in site.cases() if case.id.startswith("case-")]
