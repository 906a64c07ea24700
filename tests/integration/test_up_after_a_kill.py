"""Whoever starts a home again is alone in it: what the process before held is free at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from installation import Installation

from reconciler.model.cases import Stage
from reconciler.testing.check_store import a_case

FAR_MS = 1 << 50


def test_up_frees_the_leases_of_its_own_dead_process_and_of_nobody_else(site: Installation) -> None:
    world = site.system.world
    for owner in (world.worker, "another-home"):
        assert world.store.open_case(a_case(owner, stage=Stage.SOAK, due_ms=FAR_MS), [], [])
        assert world.work.claim(owner, FAR_MS, world.clock.wall())
    with kept_running(site) as up:
        assert up.stderr is not None
        assert any(line.startswith("page ") for line in up.stderr)
        free = world.work.claim("next", FAR_MS, world.clock.wall())
        assert free is not None
        assert free.case == world.worker
        assert world.work.claim("next", FAR_MS, world.clock.wall()) is None


@contextmanager
def kept_running(site: Installation) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-m", "reconciler.cli", "--home", str(site.home.root), "up"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as up:
        try:
            yield up
        finally:
            up.kill()
