"""A log that was moved back is refused, also by whoever has forgotten how long it was."""

from __future__ import annotations

import subprocess

import pytest
from installation import GIT, Installation

from reconciler.bootstrap.reading import reading
from reconciler.bootstrap.system import open_system
from reconciler.errors import Tampered

LOG = "refs/homeostat/log"


def git(site: Installation, *arguments: str) -> str:
    command = ["git", "-C", str(site.home.repository), *arguments]
    return subprocess.run(command, env=GIT, capture_output=True, text=True, check=True).stdout.strip()


def roll_back_and_forget(site: Installation, log: str) -> None:
    """As whoever has the disk could do it: the log's end is gone, and the remembered checkpoint with it."""
    site.system.close()
    git(site, "update-ref", LOG, log)
    site.home.checkpoint.unlink()


@pytest.fixture
def repaired(site: Installation) -> tuple[Installation, str]:
    """A site with a landed repair, and the log as it was before the trouble began."""
    before = git(site, "rev-parse", LOG)
    site.allow("rollback-release")
    site.bad_release("failing")
    site.until(site.machine_commits, seconds=90)
    return site, before


def test_a_log_shorter_than_a_machine_commit_names_is_refused_without_any_memory(repaired: tuple[Installation, str]) -> None:
    site, before = repaired
    roll_back_and_forget(site, before)
    with pytest.raises(Tampered, match="names a checkpoint that it does not contain"):
        open_system(site.home, lab_url=site.lab_url)
    with pytest.raises(Tampered, match="rolled back"), reading(site.home):
        pass


def test_a_whole_log_needs_no_memory(repaired: tuple[Installation, str]) -> None:
    site, _ = repaired
    roll_back_and_forget(site, git(site, "rev-parse", LOG))
    site.restart()
    assert site.verify().ok
