"""An installation in a folder, driven only from outside, as people and machines around it would. What every demo stands on.

It starts `homeostat up` as its own process, speaks to it over HTTP, Git and the CLI, and looks at what happened in Git.
It never reads the controller's memory or its database.
"""

from __future__ import annotations

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

from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.adapters.signing.keys import load_public
from reconciler.bootstrap.opening import open_reader
from reconciler.errors import Permanent, Retryable
from reconciler.model import canonical
from reconciler.settings import Home

START_S = 30
LOOK_S = 0.05


def _plain(value: object) -> dict[str, Any]:
    return dict(canonical.plain(value))  # type: ignore[arg-type]  # frozen values are objects


@dataclass
class Site:
    """One installation and the people around it, in real time."""

    folder: Path
    home: Home = field(init=False)
    clone: Path = field(init=False)
    progress: Callable[[str], None] = field(default=print)

    def __post_init__(self) -> None:
        self.home = Home(self.folder / "home")
        self.clone = self.folder / "clone"
        self._process: subprocess.Popen[bytes] | None = None
        self._web = ""
        self._read: list[dict[str, Any]] = []

    # the installation

    def init(self, *words: str, settings: str) -> None:
        """`homeostat init`, with more lines in the local settings."""
        self.cli("init", "--port", "0", "--owner", "ada", "--email", "ada@example.org", *words)
        with self.home.settings.open("a", encoding="utf-8") as file:
            file.write(settings)
        self.git("clone", "-q", str(self.home.repository), str(self.clone), where=self.folder)
        self._eyes = open_reader(self.home)

    def up(self) -> dict[str, Any]:
        """`homeostat up` as a process of its own, once the first revision is applied; where it listens."""
        self._launch([sys.executable, "-m", "reconciler.cli", "--home", str(self.home.root), "up"])
        self._wait("the installation did not start", self.home.running.exists, START_S)
        running = dict(json.loads(self.home.running.read_text(encoding="utf-8")))
        self._web = str(running["web"])
        self._wait("the first revision was not applied", lambda: bool(self.ready()["ready"]), START_S)
        return running

    def _launch(self, command: list[str]) -> None:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    @property
    def log(self) -> Path:
        """The controller's own words."""
        return self.folder / "up.log"

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

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def until(self, what: Callable[[], bool], seconds: int, said: str) -> int:
        """Waits until something can be seen; how many seconds that took."""
        began = time.monotonic()
        while not what():
            passed = time.monotonic() - began
            self.progress(f"{said}, {passed:.0f} s")
            if passed > seconds:
                raise Permanent(f"not seen within {seconds} s: {said}", next_step=f"look at {self.log}")
            time.sleep(LOOK_S)
        return int(time.monotonic() - began)

    def ready(self) -> dict[str, Any]:
        try:
            return dict(self._get(self._web + "/readyz"))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    # people and their tools

    def git(self, *arguments: str, where: Path | None = None) -> str:
        """Plain git, as ada."""
        stamp = f"{self.now_ms() // 1_000} +0000"
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
                raise Retryable(why, next_step=f"look at {self.log}")
            if self._process and self._process.poll() is not None:
                raise Permanent(f"homeostat up ended with {self._process.returncode}", next_step=f"look at {self.log}")
            time.sleep(0.004)
