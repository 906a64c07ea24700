"""Panic believes the signed log and nothing that merely looks like a panic."""

from __future__ import annotations

from pathlib import Path

import pytest
from installation import Installation, installation

from reconciler.commands import panic as panicking
from reconciler.commands.brakes import brakes
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
