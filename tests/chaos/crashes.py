"""A home in a story, crashed and restarted: what the tests of this folder share.

`prepared` makes the home once for all processes of a test run and lets one copy of it run to the end undisturbed: its
journal lists every point at which a process can be killed, its summary says what must come out. `Bench.crash` takes a fresh
copy through one crash after the other, `Bench.crash_at_each` one copy to many points; both compare.
"""

from __future__ import annotations

import copy
import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from installation import installation
from stories import STORIES

WORKER = Path(__file__).with_name("worker.py")
LIMIT_S = 200
APPLY = "LabTarget.apply:"
thorough = pytest.mark.skipif(os.environ.get("CHAOS") != "all", reason="make chaos")


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
    """The home of one story as it begins, and the undisturbed run."""

    story: str
    folder: str
    moments: Sequence[str]  # every point, before and after, in the order of the run
    summary: Mapping[str, Any]
    effects: Sequence[Any]
    seconds: float

    @property
    def points(self) -> list[str]:
        """Each step once."""
        return [point for point in self.moments if not point.endswith("+")]

    @property
    def own(self) -> list[str]:
        """Those that only this story takes."""
        first, last = STORIES[self.story].own
        points = self.points
        return points[points.index(first) if first else 0 : points.index(last) + 1 if last else None]

    def fresh(self, name: str) -> Path:
        """A fresh home in the same trouble."""
        root = Path(self.folder, name, "home")
        shutil.copytree(Path(self.folder, "trouble"), root)
        return root

    def live(self, root: Path, *points: str, kill_after_s: float = 0.0, release: Path | None = None) -> Life:
        """One life; killed from outside after so many seconds when asked; of another release when one is given."""
        environment = os.environ | ({"PYTHONPATH": os.fspath(release)} if release else {})
        paths = (os.fspath(path) for path in (WORKER, root, root.parent / "journal"))
        command = [sys.executable, "-W", "error", *paths, self.story, " ".join(points)]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root.parent, env=environment
        )
        try:
            printed, complaint = child.communicate(timeout=kill_after_s or LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            printed, complaint = child.communicate()
            assert kill_after_s, f"not over after {LIMIT_S} s\n{complaint[-4_000:]}"
        return Life(child.returncode, printed, complaint)

    def crash(self, name: str, *points: str, lose_store: bool = False) -> None:
        """One life for each point, killed there; then one to the end. The same must come out."""
        root = self.fresh(name)
        lost: set[str] = set()
        for point in points:
            life = self.live(root, point)
            if life.code == 0:
                break  # an earlier crash made this point unreachable
            assert life.killed, f"{point}: ended with {life.code}\n{life.complaint[-4_000:]}"
            if lose_store:
                lost |= unpublished(root)
        self.compare(root, lost)
        shutil.rmtree(root.parent)

    def crash_at_each(self, name: str, points: Sequence[str], *, lose_store: bool = False) -> None:
        """One life to the last of these points, which leaves its disk as it was at each; then one to the end for each."""
        ordered = sorted(set(points), key=self.moments.index)
        root = self.fresh(name)
        life = self.live(root, *ordered)
        assert life.killed, f"{ordered[-1]}: ended with {life.code}\n{life.complaint[-4_000:]}"
        for point in ordered:
            left = root if point == ordered[-1] else root.parent / point / "home"
            try:
                self.compare(left, unpublished(left) if lose_store else set())
            except BaseException as error:
                error.add_note(f"{self.story}, killed at {point}: the disk is {left.parent}")
                raise
            shutil.rmtree(left)
        shutil.rmtree(root.parent)

    def compare(self, root: Path, lost: set[str]) -> None:
        """A life to the same end; every effect and act once; every record that was promised is in the log, once."""
        told = self.live(root).told()
        journal = read_journal(root)
        expected = self.expected(journal)
        other = {name: (told["summary"][name], known) for name, known in expected.items() if told["summary"][name] != known}
        assert not other, f"(what came out, what had to): {other}"
        seen, unseen = effects(journal), unwitnessed(journal)
        assert is_all_but(seen, self.effects, unseen), f"{seen} came out, {self.effects} had to, {unseen} may be unseen"
        promised = {key for line in journal for key in line.get("promised", ())}
        counted = Counter(told["keys"])
        assert not promised - lost - set(counted), "a record was lost"
        assert max(counted.values()) == 1, "a record is there twice"
        acts = Counter(line["act"] for line in journal if "act" in line)
        assert max(acts.values(), default=0) <= 1, "an act was asked for twice"

    def expected(self, journal: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """As undisturbed, but what a life found started and not ended is unknown, and done only if it was done by then."""
        summary = copy.deepcopy(dict(self.summary))
        for line in journal:
            for name in [name for name, event in line.get("operations", {}).items() if event == "started"]:
                summary["operations"][name][-1] = "unknown"
                if name not in line["acts"]:
                    summary["acts"].remove(name)
        return summary


def prepared(folder: Path, story: str) -> Bench:
    """The first process that asks makes it; the others wait for it."""
    made = folder / story / "bench.json"
    made.parent.mkdir(parents=True, exist_ok=True)
    with (folder / f"{story}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _prepare(made.parent, story)
            made.write_text(json.dumps(asdict(_undisturbed(made.parent, story))))
    return Bench(**json.loads(made.read_text()))


def _prepare(folder: Path, story: str) -> None:
    """Trouble is there and nobody has looked yet."""
    with installation(folder / "made", warm_seconds=STORIES[story].warm_seconds) as site:
        STORIES[story].prepare(site)
    shutil.copytree(folder / "made" / "home", folder / "trouble")


def _undisturbed(folder: Path, story: str) -> Bench:
    bench = Bench(story, str(folder), (), {}, (), 0.0)
    root = bench.fresh("reference")
    began = time.perf_counter()
    told = bench.live(root).told()
    seconds = time.perf_counter() - began
    journal = read_journal(root)
    moments = [line["point"] for line in journal if "point" in line]
    return Bench(story, str(folder), moments, told["summary"], effects(journal), seconds)


def read_journal(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root.parent / "journal").read_text().splitlines()]


def effects(journal: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What was really applied in the lab, in order."""
    return [line["effect"] for line in journal if "effect" in line]


def unwitnessed(journal: Sequence[Mapping[str, Any]]) -> int:
    """How many lives were killed from outside during an apply: it may have been done, and nobody was left to write so."""
    inside = [0]
    for line in journal:
        if "life" in line:
            inside.append(0)
        elif line.get("point", "").startswith(APPLY):
            inside[-1] = 0 if line["point"].endswith("+") else 1
        elif "effect" in line:
            inside[-1] = 0
    return sum(inside)


def is_all_but(some: Sequence[Any], every: Sequence[Any], missing: int) -> bool:
    """The same in the same order; so many may be missing."""
    rest = iter(every)
    return all(one in rest for one in some) and len(every) - len(some) <= missing


def unpublished(root: Path) -> set[str]:
    """Deletes the store; the keys of the records that only it knew."""
    store = root / "state.db"
    with sqlite3.connect(store) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM outbox WHERE published = 0")}
    connection.close()
    for file in root.glob("state.db*"):
        file.unlink()
    return keys
