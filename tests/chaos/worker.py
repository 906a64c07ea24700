"""The process that is killed: `python worker.py HOME JOURNAL STORY POINTS`. It brings one home from trouble to the story's end.

Lab and loop live in this one process, as everything does under `make up`: a SIGKILL takes both, and the disk alone is left.
Crash points are chosen without a word in the product: the methods that leave something behind are wrapped here, each call
is written to the journal before it begins and after it ended (`label:number`, then `label:number+`). At the last of the
chosen points the process kills itself. At each one before it leaves a copy of the disk, which is what a kill there would leave:
nothing else of this process outlives it, and no other thread of it writes while a step is begun or has ended.

The journal is also the witness of what happened across all lives: every effect in the lab, every record that was
promised (its transaction had returned), every act that was asked for, and what each life found at its start.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from installation import Installation
from labserver import serving
from stories import STORIES

from reconciler import __version__
from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.forges.embedded import EmbeddedForge
from reconciler.adapters.notify.file import FileNotifier
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.stores.store import SqliteStore
from reconciler.adapters.targets.lab import LabTarget
from reconciler.audit.log import Log
from reconciler.model.operations import ENDS, STARTED
from reconciler.model.records import RecordKind
from reconciler.settings import Home

RESTART_MS = 60_000
UNSEEN = "~"  # killed after the step and before this journal knows, as only a kill from outside can be
STEPS = (
    *((SqliteStore, name) for name in ("accept", "open_case", "join", "commit", "keep", "published", "note", "done")),
    (PygitRepo, "move"),
    (EmbeddedForge, "open"), (EmbeddedForge, "show_verdict"), (EmbeddedForge, "rebuild"),
    (EmbeddedForge, "review"), (EmbeddedForge, "land"), (EmbeddedForge, "close"),
    (Log, "publish"),
    (LabTarget, "apply"), (LabTarget, "operate"),
    (FileNotifier, "page"),
)  # fmt: skip


class Journal:
    """Lines appended with O_APPEND: a SIGKILL loses none."""

    def __init__(self, path: Path, points: list[str]) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._folder = path.parent
        self._points = points
        self._counts: Counter[str] = Counter()

    def write(self, **line: Any) -> None:
        os.write(self._file, (json.dumps(line) + "\n").encode())

    def wrap(self, owner: type, name: str) -> None:
        """Every call of this method is a point."""
        label = f"{owner.__name__}.{name}"
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def journaled(*arguments: Any, **named: Any) -> Any:
            self._counts[label] += 1
            point = f"{label}:{self._counts[label]}"
            self._reach(point)
            answer = inner(*arguments, **named)
            if self._points[-1:] == [point + UNSEEN]:
                os.kill(os.getpid(), signal.SIGKILL)
            self._witness(label, arguments, named, answer)
            self._reach(point + "+")
            return answer

        setattr(owner, name, journaled)

    def _reach(self, point: str) -> None:
        self.write(point=point)
        if point == (self._points or [""])[-1]:
            os.kill(os.getpid(), signal.SIGKILL)
        elif point in self._points:
            left = self._folder / point
            shutil.copytree(self._folder / "home", left / "home")
            shutil.copy(self._folder / "journal", left)

    def _witness(self, label: str, arguments: tuple[Any, ...], named: dict[str, Any], answer: Any) -> None:
        if label == "LabTarget.apply":
            done = [[r.id, r.verb.value] for r in answer.results if r.ok]
            if done:
                self.write(effect=done, generation=arguments[1].generation)
        elif label == "LabTarget.operate" and not named["dry_run"]:
            self.write(act=arguments[1].id)
        elif label in KEEPING and answer is not False:
            self.write(promised=[record.key for record in KEEPING[label](arguments)])


KEEPING: dict[str, Callable[[tuple[Any, ...]], Iterable[Any]]] = {
    "SqliteStore.commit": lambda a: a[2],
    "SqliteStore.keep": lambda a: a[1],
    "SqliteStore.open_case": lambda a: a[3],
}


def summary(site: Installation) -> dict[str, Any]:
    """Everything that has to be the same, crash or none."""
    world = site.system.world
    ledger = world.ledger.facts()
    return {
        "tree": world.repo.tree(site.head()),
        "subjects": [re.sub(r"\([0-9a-f]{12}\)$", "(a commit)", subject) for subject in site.subjects()],
        "lab": {name: state["spec"] for name, state in site.lab("/state")["services"].items()},
        "acts": sorted(site.lab("/state")["operations"]),
        "outcomes": [[f.value.stage, f.value.state.value] for found in ledger.outcomes.values() for f in found],
        "merges": len(site.records("merge")),
        "merged": sorted(ledger.merges) == sorted(site.machine_commits()),
        "pulls": [pull.state.value for pull in site.pulls()],
        "reverted": len(ledger.reverted),
        "operations": {one: [f.value.event for f in events] for one, events in ledger.operations.items()},
        "unpublished": len(world.store.outbox()),
        "problems": [str(problem) for problem in site.verify().problems],
    }


def wait_out_leases(journal: Path) -> None:
    """Every restart comes a minute after the crash: the lease of the dead is over, and no test sleeps for it."""
    lives = journal.read_text().count('{"life"') if journal.exists() else 0
    wall = SteppedClock.wall
    SteppedClock.wall = lambda clock: wall(clock) + lives * RESTART_MS  # type: ignore[method-assign]


def operations_found(site: Installation) -> dict[str, str]:
    """How far each Operation is, by what is on disk when a life begins."""
    world = site.system.world
    found = {name: events[-1].value.event for name, events in world.ledger.facts().operations.items()}
    log, appended = world.log, world.log.refresh()  # what was not signed any more is there, too: only a look inside shows it
    looked = itertools.product(found, (STARTED, *ENDS))
    found |= {name: event for name, event in looked if log._position(appended, f"operation/{name}/{event}") is not None}
    waiting = [record.payload for record in world.store.outbox() if record.kind is RecordKind.OPERATION]
    return found | {payload["id"]: payload["event"] for payload in waiting}


def main(root: Path, journal: Path, name: str, points: list[str]) -> int:
    """From where the disk is to the end; the summary and the keys of the log on stdout."""
    story = STORIES[name]
    wait_out_leases(journal)
    written = Journal(journal, points)
    written.write(life=points, release=__version__)
    for owner, method in STEPS:
        written.wrap(owner, method)
    home = Home(root)

    def over() -> bool:
        story.meanwhile(site)
        return story.over(site)

    with serving(home) as (url, muted):
        site = Installation(home, url, root.parent / "unused", muted)
        try:
            written.write(operations=operations_found(site), acts=sorted(site.lab("/state")["operations"]))
            site.settle()
            site.until(over, 1_200)
            site.settle()
            told = summary(site)
            keys = [logged.record.key for logged in site.records()]
        finally:
            site.system.close()
    sys.stdout.write(json.dumps({"summary": told, "keys": keys}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4].split()))
