"""A home in trouble, crashed and restarted: what the tests of this folder share.

`prepare` makes the home once and lets one copy of it run to the end undisturbed: its journal lists every point at which
a process can be killed, its summary says what must come out. `Bench.crash` takes a fresh copy through a crash (or several)
and compares.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from installation import BAD, CHECKOUT, GOOD, installation

WORKER = Path(__file__).with_name("worker.py")
LIMIT_S = 100
SOONER = "  expect:\n    guardAfterSeconds: 20\n    outcomeAfterSeconds: 60\n"
ROLLBACK = "playbooks/rollback-release.yaml"


@dataclass(frozen=True)
class Life:
    """One process from start to end: what it printed, and how it ended."""

    code: int
    printed: str
    complaint: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    def told(self) -> dict[str, Any]:
        assert self.code == 0, f"ended with {self.code}\n{self.complaint[-4_000:]}"
        return dict(json.loads(self.printed))


@dataclass(frozen=True)
class Bench:
    """The home in trouble, and the undisturbed run."""

    folder: Path
    points: tuple[str, ...]
    summary: Mapping[str, Any]
    effects: tuple[Any, ...]
    seconds: float

    def copy(self, name: str) -> Path:
        """A fresh home in the same trouble."""
        root = self.folder / name / "home"
        shutil.copytree(self.folder / "trouble", root)
        return root

    def crash(self, name: str, points: Sequence[str], *, lose_store: bool = False) -> None:
        """One life for each point, killed there; then one to the end. The same must come out."""
        root = self.copy(name)
        lost: set[str] = set()
        for point in points:
            life = live(root, point)
            if life.code == 0:
                break  # an earlier crash made this point unreachable
            assert life.killed, f"{point}: ended with {life.code}\n{life.complaint[-4_000:]}"
            if lose_store:
                lost |= unpublished(root)
        self.compare(root, live(root).told(), lost)
        shutil.rmtree(root.parent)

    def compare(self, root: Path, told: Mapping[str, Any], lost: set[str]) -> None:
        """The same end; every effect once; every record that was promised is in the log, once."""
        assert told["summary"] == dict(self.summary)
        journal = read_journal(root)
        assert effects(journal) == self.effects
        promised = {key for line in journal for key in line.get("promised", ())}
        counted = Counter(told["keys"])
        assert not promised - lost - set(counted), "a record was lost"
        assert max(counted.values()) == 1, "a record is there twice"


def prepare(folder: Path) -> Bench:
    """Trouble is there and nobody has looked yet."""
    with installation(folder / "made") as site:
        site.allow("rollback-release")
        site.push(
            {ROLLBACK: ("  expect:\n", "  expect:\n    guardAfterSeconds: 20\n    outcomeAfterSeconds: 60\n")}, "Look sooner"
        )
        site.settle()
        site.fault(kind="bad-release", service="checkout", release=BAD, mode="slow", factor=8)
        site.push({CHECKOUT: (GOOD, BAD)}, f"Release checkout {BAD}")
    shutil.copytree(folder / "made" / "home", folder / "trouble")
    return undisturbed(folder)


def undisturbed(folder: Path) -> Bench:
    root = folder / "reference" / "home"
    shutil.copytree(folder / "trouble", root)
    began = time.perf_counter()
    told = live(root).told()
    seconds = time.perf_counter() - began
    journal = read_journal(root)
    points = tuple(line["point"] for line in journal if "point" in line)
    return Bench(folder, points, told["summary"], effects(journal), seconds)


def live(root: Path, point: str = "", *, kill_after_s: float = 0.0, release: Path | None = None) -> Life:
    """One life of the worker; killed from outside after so many seconds when asked; of another release when one is given."""
    environment = os.environ | ({"PYTHONPATH": os.fspath(release)} if release else {})
    command = [sys.executable, "-W", "error", str(WORKER), str(root), str(journal_of(root)), point]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root.parent, env=environment)
    try:
        printed, complaint = child.communicate(timeout=kill_after_s or LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        printed, complaint = child.communicate()
        assert kill_after_s, f"not over after {LIMIT_S} s\n{complaint[-4_000:]}"
    return Life(child.returncode, printed, complaint)


def journal_of(root: Path) -> Path:
    return root.parent / "journal"


def read_journal(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal_of(root).read_text().splitlines()]


def effects(journal: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    """What was really done in the lab, in order."""
    return tuple(tuple(map(tuple, line["effect"])) for line in journal if "effect" in line)


def sampled(points: Sequence[str], number: int, of: int) -> str:
    """Evenly spread over the run; every second one dies after the step instead of before it."""
    return points[number * (len(points) - 1) // (of - 1)] + "+" * (number % 2)


def unpublished(root: Path) -> set[str]:
    """Deletes the store; the keys of the records that only it knew."""
    import sqlite3

    store = root / "state.db"
    with sqlite3.connect(store) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM outbox WHERE published = 0")}
    connection.close()
    for file in root.glob("state.db*"):
        file.unlink()
    return keys
