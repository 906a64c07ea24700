"""A whole installation inside a test: real Git, real SQLite, the real lab over real HTTP, and a clock that the test moves.

`advance(seconds)` is the settle barrier: the clock moves in scrape steps, and after each step the loop turns until it
has nothing left to do. No test sleeps, and nothing that decides is replaced.

A home that has run for a while (so that there is a before) is made once per process and copied for each test.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import hmac
import json
import shutil
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labserver import serving

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.audit.remembered import Remembered
from reconciler.audit.verify import Report, verify_log
from reconciler.bootstrap.create import Request, create, settle
from reconciler.bootstrap.opening import trusted
from reconciler.bootstrap.system import System, open_system
from reconciler.commands import panic, people, reviews
from reconciler.model.cases import Case
from reconciler.model.pulls import PullRequest, ReviewChoice
from reconciler.model.records import LoggedRecord
from reconciler.pipeline import turn
from reconciler.settings import Home

STEP_MS = 5_000
TURNS = 60
WARM_SECONDS = 300
CHECKOUT, GOOD, BAD = "apps/shop/checkout.yaml", "1.4.2", "1.5.0"

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

    def __init__(self, home: Home, lab_url: str, clone: Path, muted: threading.Event) -> None:
        self.home = home
        self.lab_url = lab_url
        self.clone = clone
        self.muted = muted  # set: the lab serves no measurements
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

    def until(self, what: Callable[[], Any], seconds: int = 600) -> None:
        """Advances until `what()` is true."""
        for _ in range(0, seconds * 1_000, STEP_MS):
            if what():
                return
            self.clock.advance(STEP_MS)
            self.settle()
        assert what(), self.story()

    def until_stage(self, *stages: str, seconds: int = 600) -> None:
        """Advances until a case is at one of these stages."""
        self.until(lambda: any(case.stage.value in stages for case in self.cases()), seconds)

    def restart(self) -> None:
        """The process ends and another one begins: nothing but the disk is kept."""
        self.system.close()
        self.system = open_system(self.home, lab_url=self.lab_url)

    def lose_store(self) -> None:
        """The process ends and its database is gone."""
        self.system.close()
        for file in self.home.root.glob(f"{self.home.store.name}*"):
            file.unlink()
        self.system = open_system(self.home, lab_url=self.lab_url)

    # what can be seen

    def cases(self, *, open_only: bool = False) -> list[Case]:
        return list(self.system.store.cases(open_only=open_only))

    def story(self) -> list[tuple[str, str, str]]:
        return [(c.stage.value, c.reason, c.detail) for c in self.cases()]

    def records(self, *kinds: str) -> list[LoggedRecord]:
        """The signed log, of these kinds."""
        self.system.world.publish()
        return [r for r in self.system.world.log.records() if not kinds or r.record.kind.value in kinds]

    def kinds(self) -> list[str]:
        return [r.record.kind.value for r in self.records()]

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        return [dict(r.record.payload) for r in self.records(kind)]

    def pages(self) -> list[dict[str, Any]]:
        """Everything that a person was paged about."""
        if not self.home.pages.exists():
            return []
        return [json.loads(line) for line in self.home.pages.read_text().splitlines()]

    def pulls(self, state: str = "") -> list[PullRequest]:
        return [p for p in self.system.world.forge.list() if state in ("", p.state.value)]

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        return dict(self.system.world.repo.refs(prefix))

    def head(self) -> str:
        return self.system.world.head()

    def subjects(self) -> list[str]:
        """The protected branch's commits, newest first."""
        history = self.system.world.repo.history(self.head(), limit=100)
        return [info.message.splitlines()[0] for info in history]

    def machine_commits(self) -> list[str]:
        """The machine's commits on the protected branch, newest first."""
        history = self.system.world.repo.history(self.head(), limit=100)
        return [info.id for info in history if info.committer_email == "homeostat@machine.invalid"]

    def file(self, path: str, commit: str = "") -> str:
        return (self.system.world.repo.read(commit or self.head(), path) or b"").decode()

    def verify(self) -> Report:
        """What `homeostat audit verify` proves."""
        self.system.world.publish()
        world = self.system.world
        return verify_log(
            world.repo, trusted(self.home, world.repository), memory=Remembered(self.home.checkpoint).read().checkpoint
        )

    def lab(self, path: str) -> Any:
        with urllib.request.urlopen(self.lab_url + path, timeout=10) as answer:
            return json.load(answer)

    def live(self, service: str, field: str) -> Any:
        return self.lab("/state")["services"][service]["spec"][field]

    def metric(self, service: str, name: str) -> float:
        return float(self.lab("/state")["services"][service]["metrics"][name])

    # what the world does

    def fault(self, **fault: Any) -> str:
        return str(self._post("/faults", fault).get("id", ""))

    def heal(self) -> None:
        """All faults end."""
        self._post("/reset-faults", {})

    def _post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(self.lab_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def bad_release(self, mode: str = "slow") -> str:
        """A person releases a checkout that is eight times as slow, or that fails; the commit."""
        self.fault(kind="bad-release", service="checkout", release=BAD, mode=mode, factor=8 if mode == "slow" else 0.4)
        pushed = self.push({CHECKOUT: (GOOD, BAD)}, f"Release checkout {BAD}")
        self.settle()
        return pushed

    # what people do

    def person(self) -> people.Person:
        return people.proved(self.system.world, "ada", FileSigner(self.home.key("owner"), "person"))

    def review(self, number: int, choice: str = "approve", *, head: str = "") -> PullRequest:
        reviewer = FileSigner(self.home.key("review"), "review")
        return reviews.review(self.system.world, reviewer, self.person(), number, ReviewChoice(choice), head=head)

    def panic(self, seconds: int) -> panic.Panicked:
        return panic.panic(self.system.world, self.person(), self.clock.now() - seconds * 1_000)

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

    def add(self, path: str, text: str, message: str) -> str:
        """A new file, committed and pushed as a person does; the commit."""
        self.pull()
        (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
        (self.clone / path).write_text(text)
        self.git("add", path)
        self.git("commit", "-qm", message)
        self.git("push", "-q")
        return self.git("rev-parse", "HEAD")

    def git_revert(self, commit: str) -> str:
        """Plain `git revert` and `git push`; the commit."""
        self.pull()
        self.git("revert", "--no-edit", commit)
        self.git("push", "-q")
        return self.git("rev-parse", "HEAD")

    def allow(self, playbook: str, mode: str = "autonomous", unit: str = "*") -> str:
        rule = f'  rules:\n    - playbooks: [{playbook}]\n      units: ["{unit}"]\n      mode: {mode}\n'
        return self.push({"policies/autonomy.yaml": ("  rules:\n", rule)}, f"Let {playbook} be {mode}")

    def allow_everything(self, mode: str) -> str:
        """Every playbook at once; a release rollback has to be named to merge by itself."""
        return self.push({"policies/autonomy.yaml": ("mode: shadow", f"mode: {mode}")}, f"Let everything be {mode}")

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a delivery that proves the shared secret."""
        secret = self.home.secret.read_text().strip().encode()
        return {"X-Homeostat-Signature": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()}


@contextmanager
def _opened(home: Home, clone: Path) -> Iterator[Installation]:
    with serving(home) as (url, muted):
        made = Installation(home, url, clone, muted)
        try:
            yield made
        finally:
            made.system.close()


@functools.cache
def _warmed(warm_seconds: int) -> Path:
    """A home that has run for a while and was stopped; made once, never used itself."""
    folder = Path(tempfile.mkdtemp(prefix="homeostat-warm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Home(folder / "home")
    create(home, Request(clock="stepped", port=0, lab_port=0, owner="ada", email="ada@example.org"))
    with _opened(home, folder / "clone") as made:
        made.settle()
        made.advance(warm_seconds)
    return home.root


@contextmanager
def installation(
    folder: Path, *, warm_seconds: int = WARM_SECONDS, change: Callable[[Home], None] | None = None
) -> Iterator[Installation]:
    """A new one; the lab has run for a while, so that there is a before. `change` may alter the home before it starts."""
    home = Home(folder / "home")
    shutil.copytree(_warmed(warm_seconds), home.root)
    settle(home)
    if change:
        change(home)
    with _opened(home, folder / "clone") as made:
        made.settle()
        yield made
