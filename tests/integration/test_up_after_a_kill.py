"""`up`: whoever starts a home again is alone in it, and listens where its settings say."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
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


def test_up_listens_where_the_settings_say(site: Installation) -> None:
    site.home.settings.write_text(site.home.settings.read_text().replace("web:\n", 'web:\n  host: "::1"\n'))
    with kept_running(site) as up:
        assert up.stderr is not None
        page = next(line.split()[1] for line in up.stderr if line.startswith("page "))
        assert page.startswith("http://[::1]:")
        with urllib.request.urlopen(page + "healthz", timeout=10) as answer:
            assert answer.status == 200


def test_up_says_how_to_log_in_and_at_ctrl_c_at_once_that_it_stops(site: Installation) -> None:
    with kept_running(site) as up:
        assert up.stderr is not None
        said = iter(up.stderr)
        assert any(f"homeostat --home {site.home.root} login" in line for line in said)
        assert any(line.startswith("Ctrl-C stops") for line in said)
        up.send_signal(signal.SIGINT)
        assert any(line.startswith("stopping: ") for line in said)
        assert up.wait(timeout=30) == 0


@contextmanager
def kept_running(site: Installation) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-m", "reconciler.cli", "--home", str(site.home.root), "up"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as up:
        try:
            yield up
        finally:
            up.kill()
