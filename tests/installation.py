"""A whole installation inside a test: real Git, real SQLite, the real lab over real HTTP, and a clock that the test moves.

`advance(seconds)` is the settle barrier: the clock moves in scrape steps, and after each step the loop turns until it
has nothing left to do. No test sleeps, and nothing that decides is replaced.
"""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.bootstrap.create import Request, create, settle
from reconciler.bootstrap.system import System, open_system
from reconciler.lab.server import make_server
from reconciler.lab.world import World as LabWorld
from reconciler.model.cases import Case
from reconciler.pipeline import turn
from reconciler.settings import Home

STEP_MS = 5_000
TURNS = 60

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


class Installation:
    """One home, its lab, and a person's clone."""

    def __init__(self, home: Home, lab_url: str, clone: Path) -> None:
        self.home = home
        self.lab_url = lab_url
        self.clone = clone
        self.system: System = open_system(home, lab_url=lab_url)

    # time and the loop

    @property
    def clock(self) -> SteppedClock:
        clock = self.system.world.clock
        assert isinstance(clock, SteppedClock)
        return clock

    def settle(self) -> None:
        for _ in range(TURNS):
            if not turn(self.system.world):
                return
        raise AssertionError(f"the loop did not settle in {TURNS} turns: {[(c.id, c.stage, c.detail) for c in self.cases()]}")

    def advance(self, seconds: int) -> None:
        for _ in range(0, seconds * 1_000, STEP_MS):
            self.clock.advance(STEP_MS)
            self.settle()

    def until(self, what: Any, seconds: int = 600) -> None:
        """Advances until `what()` is true."""
        for _ in range(0, seconds * 1_000, STEP_MS):
            if what():
                return
            self.clock.advance(STEP_MS)
            self.settle()
        assert what(), self.story()

    def restart(self) -> None:
        """The process ends and another one begins: nothing but the disk is kept."""
        self.system.close()
        self.system = open_system(self.home, lab_url=self.lab_url)

    # what can be seen

    def cases(self, *, open_only: bool = False) -> list[Case]:
        return list(self.system.store.cases(open_only=open_only))

    def story(self) -> list[tuple[str, str, str]]:
        return [(c.stage.value, c.reason, c.detail) for c in self.cases()]

    def kinds(self) -> list[str]:
        self.system.world.publish()
        return [r.record.kind.value for r in self.system.world.log.records()]

    def lab(self, path: str) -> Any:
        with urllib.request.urlopen(self.lab_url + path, timeout=10) as answer:
            return json.load(answer)

    def live(self, service: str, field: str) -> Any:
        return self.lab("/state")["services"][service]["spec"][field]

    def metric(self, service: str, name: str) -> float:
        return float(self.lab("/state")["services"][service]["metrics"][name])

    # what people and the world do

    def fault(self, **fault: Any) -> str:
        request = urllib.request.Request(
            f"{self.lab_url}/faults", json.dumps(fault).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer).get("id", ""))

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.clone, env=GIT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pull(self) -> None:
        if not (self.clone / ".git").exists():
            self.clone.mkdir(parents=True, exist_ok=True)
            self.git("clone", "-q", str(self.home.repository), ".")
        self.git("pull", "-q", "--ff-only")

    def push(self, edits: Mapping[str, tuple[str, str]], message: str = "An edit by a person") -> str:
        """Replaces text in files, commits and pushes as a person does; the commit."""
        self.pull()
        for path, (old, new) in edits.items():
            text = (self.clone / path).read_text()
            assert old in text, (path, old)
            (self.clone / path).write_text(text.replace(old, new))
        self.git("commit", "-qam", message)
        self.git("push", "-q")
        return self.git("rev-parse", "HEAD")

    def allow(self, playbook: str, mode: str = "autonomous", unit: str = "*") -> str:
        rule = f'  rules:\n    - playbooks: [{playbook}]\n      units: ["{unit}"]\n      mode: {mode}\n'
        return self.push({"policies/autonomy.yaml": ("  rules:\n", rule)}, f"Let {playbook} be {mode}")


@contextmanager
def installation(folder: Path, *, warm_seconds: int = 300) -> Iterator[Installation]:
    """A new one; the lab has run for a while, so that there is a before."""
    home = Home(folder / "home")
    create(home, Request(clock="stepped", port=0, lab_port=0, owner="ada", email="ada@example.org"))
    settle(home)
    clock = SteppedClock(home.clock)
    home.lab.mkdir(exist_ok=True)
    server = make_server(LabWorld(home.lab, clock, 7), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made = Installation(home, f"http://127.0.0.1:{server.server_port}", folder / "clone")
    try:
        made.settle()
        made.advance(warm_seconds)
        yield made
    finally:
        made.system.close()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
