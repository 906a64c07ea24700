"""Panic believes the signed log and nothing that merely looks like a panic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installation import Installation, installation

from reconciler.cli import main
from reconciler.commands import panic as panicking
from reconciler.commands.brakes import brakes
from reconciler.console.index import RecordIndex
from reconciler.console.overview import overview
from reconciler.errors import Retryable
from reconciler.ports.repo import MACHINE, RefMove


def repaired(site: Installation) -> str:
    """The commit of a repair that merged by itself."""
    site.allow("rollback-release")
    site.settle()
    site.bad_release()
    site.until(lambda: len(site.machine_commits()) == 1, 300)
    return site.machine_commits()[0]


def test_a_commit_that_only_looks_like_a_panic_exempts_nothing_from_being_undone(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        repair = repaired(site)
        world, head = site.system.world, site.head()
        message = f"Panic: undo\n\nHomeostat-Panic: ada\nHomeostat-Undoes: {repair}\n"
        forged = world.repo.write(head, {"NOTES": b"x\n"}, message, MACHINE, world.clock.now(), None)
        assert world.repo.move([RefMove(world.ref, head, forged)])

        done = site.panic(3_600)

        assert done.panic.reverted == (repair,)
        assert all(payload["commit"] != forged for payload in site.payloads("panic"))


def test_a_panic_that_never_wins_the_branch_puts_the_brake_on_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation(tmp_path) as site:
        repaired(site)
        monkeypatch.setattr(panicking, "_land", lambda *_: "")

        with pytest.raises(Retryable, match="the brake is on"):
            site.panic(3_600)

        assert [brake.reason for brake in brakes(site.system.world)] == ["panic"]


def test_a_dry_run_writes_nothing_into_the_repository(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        repair = repaired(site)
        before = objects(site)

        found = panicking.plan(site.system.world, 0)

        assert found.reverted == (repair,)
        assert found.files
        assert objects(site) == before


def test_what_a_panic_did_is_no_repair_in_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with installation(tmp_path) as site:
        repair = repaired(site)
        site.panic(3_600)

        assert main(["--home", str(site.home.root), "--json", "status"]) == 0
        assert [one["commit"] for one in json.loads(capsys.readouterr().out)["repairs"]] == [repair]
        page = overview(site.system.world, RecordIndex(site.system.world.log))
        assert [one.fact.value.commit for one in page.repairs] == [repair], "the page said that a panic was being observed"
        assert main(["--home", str(site.home.root), "pr", "list"]) == 0
        assert "  undone  " in capsys.readouterr().out
        assert main(["--home", str(site.home.root), "pr", "show", "1"]) == 0
        assert f"landed as {repair} by homeostat, and was undone by " in capsys.readouterr().out


def test_a_panic_on_a_branch_that_is_not_followed_says_that_the_targets_keep_what_they_have(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        repaired(site)
        assert site.panic(0).untouched == ""
        world, head = site.system.world, site.head()
        forged = world.repo.write(head, {"NOTES": b"x\n"}, "No verdict\n", MACHINE, world.clock.now(), world.author)
        assert world.repo.move([RefMove(world.ref, head, forged)])
        site.settle()

        assert "verdict" in site.panic(3_600).untouched


def objects(site: Installation) -> set[str]:
    return {str(path) for path in (site.home.repository / "objects").rglob("*")}
