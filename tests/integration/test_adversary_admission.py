"""A commit that is refused stops the line until it is undone, and no longer."""

from __future__ import annotations

from pathlib import Path

from installation import CHECKOUT, Installation, installation

TRUST, GATEWAY = "policies/trust.yaml", "apps/edge/gateway.yaml"


def signed_revert(site: Installation, *commits: str) -> str:
    """`git revert -S` of these commits, newest first, as one commit; pushed."""
    site.git("config", "gpg.format", "ssh")
    site.git("config", "user.signingkey", str(site.home.key("owner")))
    site.git("revert", "--no-commit", *commits)
    site.git("commit", "-q", "-S", "-m", "Undo what nobody signed")
    site.git("push", "-q")
    return site.git("rev-parse", "HEAD")


def enforced(site: Installation) -> None:
    site.push({TRUST: ("mode: warn", "mode: enforce")}, "From now on everybody signs")
    site.settle()


def test_a_signed_revert_of_an_unsigned_commit_lets_the_branch_go_on(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        enforced(site)
        good = site.system.world.cursor.applied
        refused = site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "Nobody signed this")
        site.settle()
        assert site.system.world.cursor.applied == good

        undone = signed_revert(site, refused)
        site.settle()

        assert site.system.world.cursor.applied == undone
        assert site.system.world.not_followed() == ""
        assert refused not in site.system.world.ledger.facts().admissions
        assert site.live("checkout", "replicas") == 3


def test_a_signed_commit_that_leaves_a_byte_of_the_refused_one_does_not(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        enforced(site)
        good = site.system.world.cursor.applied
        one = site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "Nobody signed this")
        two = site.push({GATEWAY: ("replicas: ", "replicas: 1")}, "Nor this")
        signed_revert(site, one)
        site.settle()
        assert site.system.world.cursor.applied == good

        site.git("reset", "-q", "--hard")
        undone = signed_revert(site, two)
        site.settle()

        assert site.system.world.cursor.applied == undone


def test_a_commit_that_only_says_that_it_reverts_a_repair_teaches_nothing(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.until(lambda: len(site.machine_commits()) == 1, 300)
        repair = site.machine_commits()[0]
        site.push({GATEWAY: ("replicas: ", "replicas: 1")}, f"This reverts commit {repair}.")
        site.settle()

        assert site.payloads("hold") == []
        assert site.panic(3_600).panic.reverted == (repair,)
