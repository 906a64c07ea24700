"""Between the verdict and the landing the world goes on: whatever would change the answer stops the landing."""

from __future__ import annotations

from pathlib import Path

from installation import Installation, installation

from reconciler.commands.brakes import put_on
from reconciler.model.cases import Stage
from reconciler.pipeline import TURN, advance, turn
from reconciler.ports.repo import RefMove


def step_until(site: Installation, stage: Stage) -> None:
    """Single steps, until a case is at this stage and has not taken it."""
    world = site.system.world
    for _ in range(60):
        for part in TURN:
            world.guarded(part)
        while lease := world.work.claim("loop", world.clock.now(), world.clock.wall()):
            case = world.store.case(lease.case)
            if case is not None and case.stage is stage:
                world.work.done(lease)
                return
            advance(world, lease)
        site.clock.advance(5_000)
    raise AssertionError(site.story())


def about_to_land(site: Installation) -> int:
    """A repair that both judges let through, one step before it lands; its pull request."""
    site.allow("rollback-release")
    site.settle()
    site.bad_release()
    step_until(site, Stage.LAND)
    (pull,) = site.pulls("open")
    assert site.payloads("verdict")[-1]["effect"] == "merge"
    return pull.number


def test_a_rejection_after_the_verdict_stops_the_landing(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        number = about_to_land(site)
        head = site.pulls("open")[0].head
        site.review(number, "reject")

        site.settle()

        assert site.machine_commits() == []
        assert site.payloads("verdict")[-1]["effect"] == "deny"
        assert site.system.world.recorded_verdict(head) is None


def test_a_verdict_that_was_taken_back_admits_no_commit_that_somebody_pushes(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        number = about_to_land(site)
        (pull,) = site.pulls("open")
        site.review(number, "reject")
        site.settle()
        world = site.system.world
        assert world.repo.move([RefMove(world.ref, world.head(), pull.head)])

        site.settle()

        assert world.cursor.applied == pull.base
        assert "no signed verdict" in world.cursor.refused[1]


def test_a_brake_after_the_verdict_stops_the_landing(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        about_to_land(site)
        put_on(site.system.world, site.person(), "look first", 60_000)

        site.settle()

        assert site.machine_commits() == []


def test_a_source_branch_that_somebody_deletes_ends_the_pull_request_and_not_the_loop(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        number = about_to_land(site)
        (pull,) = site.pulls("open")
        site.pull()
        site.git("push", "-q", "origin", f":refs/heads/{pull.source}")

        turn(site.system.world)

        assert site.machine_commits() == []
        assert [p.state.value for p in site.pulls() if p.number == number] == ["closed"]


def test_a_repair_that_waited_until_its_trouble_was_over_does_not_merge_by_itself(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        step_until(site, Stage.JUDGE)
        put_on(site.system.world, site.person(), "a while", 1_200_000)
        site.settle()
        site.heal()

        site.advance(1_260)

        assert site.machine_commits() == []
        assert site.pulls("open") == []


def test_no_commit_lands_on_a_base_whose_reverts_are_not_taught_yet(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        step_until(site, Stage.JUDGE)
        pushed = site.push({"apps/edge/gateway.yaml": ("replicas: ", "replicas: 1")}, "Elsewhere")
        world = site.system.world

        while lease := world.work.claim("loop", world.clock.now(), world.clock.wall()):
            advance(world, lease)

        assert world.cursor.applied != pushed
        assert site.head() == pushed


def test_the_same_edit_that_a_person_rejected_is_not_merged_when_the_alert_fires_again(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        number = about_to_land(site)
        site.review(number, "reject")

        site.advance(400)

        assert len(site.cases()) > 1, "the alert did not fire again"
        assert site.machine_commits() == []
