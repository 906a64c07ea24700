"""The demo's stage: a real installation in a folder, driven only from outside, as people and machines around it would.

It starts `homeostat up` as its own process, speaks to it over HTTP, Git and the CLI, moves the stepped clock, and looks
at what happened in Git and in the lab. It never reads the controller's memory or its database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.adapters.signing.keys import load_public
from reconciler.bootstrap.opening import open_reader
from reconciler.errors import Permanent, Retryable
from reconciler.model import canonical
from reconciler.settings import Home


def _plain(value: object) -> dict[str, Any]:
    return dict(canonical.plain(value))  # type: ignore[arg-type]  # frozen values are objects


STEP_MS = 5_000
START_S = 30
SETTLE_S = 20


@dataclass
class Stage:
    """One installation and the people around it."""

    folder: Path
    home: Home = field(init=False)
    clone: Path = field(init=False)
    progress: Callable[[str], None] = field(default=print)

    def __post_init__(self) -> None:
        self.home = Home(self.folder / "home")
        self.clone = self.folder / "clone"
        self._process: subprocess.Popen[bytes] | None = None
        self._web = self._lab = ""
        self._read: list[dict[str, Any]] = []

    # the installation

    def start(self) -> None:
        """`homeostat init`, then `homeostat up` as a process of its own."""
        self.cli("init", "--clock", "stepped", "--port", "0", "--lab-port", "0", "--owner", "ada", "--email", "ada@example.org")
        with self.home.settings.open("a", encoding="utf-8") as settings:
            settings.write("turnSeconds: 0.01\n")
        log = (self.folder / "up.log").open("wb")
        command = [sys.executable, "-m", "reconciler.cli", "--home", str(self.home.root), "up"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self._wait("the installation did not start", self.home.running.exists, START_S)
        running = json.loads(self.home.running.read_text(encoding="utf-8"))
        self._web, self._lab = running["web"], running["lab"]
        self._wait("the first revision was not applied", lambda: bool(self.ready()["ready"]), START_S)
        self.git("clone", "-q", str(self.home.repository), str(self.clone), where=self.folder)
        self._eyes = open_reader(self.home)

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def page(self, path: str) -> str:
        return self._web + path

    # time

    @property
    def clock(self) -> SteppedClock:
        return SteppedClock(self.home.clock)

    def settle(self) -> None:
        """Until the loop has taken a whole turn with nothing to do at the present time."""
        before, now = self.ready()["turns"], self.clock.now()

        def settled() -> bool:
            state = self.ready()
            return bool(state["settled_ms"] >= now and state["turns"] > before)

        self._wait("the loop did not settle", settled, SETTLE_S)

    def advance(self, seconds: int) -> None:
        for _ in range(0, seconds * 1_000, STEP_MS):
            self.clock.advance(STEP_MS)
            self.settle()

    def until(self, what: Callable[[], bool], seconds: int, said: str) -> int:
        """Advances until something can be seen; how many seconds of lab time that took."""
        for passed in range(0, seconds + 1, STEP_MS // 1_000):
            if what():
                return passed
            self.progress(f"{said}, {passed} s of lab time")
            self.advance(STEP_MS // 1_000)
        raise Permanent(f"not seen within {seconds} s of lab time: {said}", next_step=f"look at {self.folder}/up.log")

    def ready(self) -> dict[str, Any]:
        try:
            return dict(self._get(self._web + "/readyz"))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    # the lab: the world

    def lab(self) -> dict[str, Any]:
        return dict(self._get(self._lab + "/state"))

    def live(self, service: str, name: str) -> Any:
        return self.lab()["services"][service]["spec"].get(name)

    def metric(self, service: str, name: str) -> float:
        return float(self.lab()["services"][service]["metrics"][name])

    def fault(self, **fault: Any) -> str:
        return str(self._send(self._lab + "/faults", json.dumps(fault).encode(), {"Content-Type": "application/json"})["id"])

    def heal(self) -> None:
        """The world's own trouble ends."""
        self._send(self._lab + "/reset-faults", b"{}", {"Content-Type": "application/json"})

    # people and their tools

    def git(self, *arguments: str, where: Path | None = None) -> str:
        """Plain git, as ada, with the lab's time as the date."""
        stamp = f"{self.clock.now() // 1_000} +0000"
        person = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": stamp}
        mine = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in person.items()}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        env = {**kept, **mine, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", *arguments], cwd=where or self.clone, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Permanent(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def push(self, edits: dict[str, tuple[str, str]], message: str) -> str:
        """A person edits files and pushes; the commit."""
        self.git("pull", "-q", "--ff-only")
        for path, (old, new) in edits.items():
            text = (self.clone / path).read_text(encoding="utf-8")
            if old not in text:
                raise Permanent(f"{path} has no {old!r}", next_step="the template has changed; the demo has to follow it")
            (self.clone / path).write_text(text.replace(old, new), encoding="utf-8")
        self.git("commit", "-qam", message)
        self.git("push", "-q")
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "main", where=self.home.repository)

    def read(self, path: str, commit: str = "main") -> str:
        return self.git("show", f"{commit}:{path}", where=self.home.repository)

    def machine_commits(self) -> list[tuple[str, str]]:
        """(commit, subject) of everything on main that the machine authored, newest first, as git tells it."""
        told = self.git("log", "--author=homeostat@machine.invalid", "--format=%H %s", "main", where=self.home.repository)
        return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in told.splitlines()]

    def alert(self, name: str, service: str) -> None:
        """Alertmanager delivers: signed over the raw body, with the shared secret."""
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock.now() / 1_000))
        alert = {
            "status": "firing", "labels": {"alertname": name, "service": service, "severity": "critical"},
            "annotations": {}, "startsAt": started, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "c0ffee0000000001",
        }  # fmt: skip
        body = {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "homeostat", "alerts": [alert]}
        raw = json.dumps(body).encode()
        secret = self.home.secret.read_text(encoding="utf-8").strip().encode()
        signature = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
        self._send(
            self._web + "/webhooks/alertmanager", raw, {"X-Homeostat-Signature": signature, "Content-Type": "application/json"}
        )

    def cli(self, *arguments: str, expect: int = 0) -> str:
        """The real command; its output."""
        command = [sys.executable, "-m", "reconciler.cli", "--home", str(self.home.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder)
        if done.returncode != expect:
            raise Permanent(f"homeostat {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.rstrip()

    def asked(self, *arguments: str) -> Any:
        return json.loads(self.cli("--json", *arguments))

    # what Git holds: pull requests and the log, read from the bare repository itself

    def pulls(self) -> list[dict[str, Any]]:
        """Newest first."""
        return [dict(_plain(pull)) for pull in self._eyes.forge.list()]

    def pull(self, number: int) -> dict[str, Any]:
        return next(pull for pull in self.pulls() if pull["number"] == number)

    def records(self, kind: str, incident: str = "") -> list[dict[str, Any]]:
        """What the signed log says, oldest first."""
        self._read += [dict(_plain(entry.record)) for entry in self._eyes.log.records(len(self._read))]
        return [r for r in self._read if r["kind"] == kind and incident in ("", r["incident"])]

    def signed_by_machine(self, commit: str) -> bool:
        """The commit's SSH signature against the author key's public half."""
        info = self._eyes.repo.commit(commit)
        author = load_public(self.home.key("author")).raw
        return info is not None and Ed25519Verifier().verify_ssh(info.signature, info.signed, "git") == author

    # plumbing

    def _get(self, url: str) -> Any:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def _send(self, url: str, body: bytes, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def _wait(self, why: str, what: Callable[[], bool], seconds: float) -> None:
        give_up = time.monotonic() + seconds
        while not what():
            if time.monotonic() > give_up:
                raise Retryable(why, next_step=f"look at {self.folder}/up.log")
            if self._process and self._process.poll() is not None:
                raise Permanent(f"homeostat up ended with {self._process.returncode}", next_step=f"look at {self.folder}/up.log")
            time.sleep(0.004)
