"""The process that is killed: `python worker.py HOME JOURNAL POINT`. It brings one home from trouble to the end of its cases.

Lab and loop live in this one process, as everything does under `make up`: a SIGKILL takes both, and the disk alone is left.
Crash points are chosen without a word in the product: the methods that leave something behind are wrapped here, each call
is written to the journal before it begins, and at the chosen one (`label:number`) the process kills itself. `label:number+`
kills right after the call instead.

The journal is also the witness of what happened across all lives: every effect in the lab and every record that was
promised (its transaction had returned) is a line of it.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from installation import Installation
from labserver import serving

from reconciler import __version__
from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.forges.embedded import EmbeddedForge
from reconciler.adapters.notify.file import FileNotifier
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.stores.store import SqliteStore
from reconciler.adapters.targets.lab import LabTarget
from reconciler.audit.log import Log
from reconciler.settings import Home

RESTART_MS = 60_000
STEPS = (
    *((SqliteStore, name) for name in ("accept", "open_case", "join", "commit", "keep", "published", "note", "done")),
    (PygitRepo, "move"),
    (EmbeddedForge, "open"), (EmbeddedForge, "show_verdict"), (EmbeddedForge, "rebuild"),
    (EmbeddedForge, "land"), (EmbeddedForge, "close"),
    (Log, "publish"),
    (LabTarget, "apply"),
    (FileNotifier, "page"),
)  # fmt: skip


class Journal:
    """Lines appended with O_APPEND: a SIGKILL loses none."""

    def __init__(self, path: Path, point: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._point = point
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
            self.write(point=point)
            self._die_at(point)
            answer = inner(*arguments, **named)
            self._witness(label, arguments, answer)
            self._die_at(point + "+")
            return answer

        setattr(owner, name, journaled)

    def _die_at(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)

    def _witness(self, label: str, arguments: tuple[Any, ...], answer: Any) -> None:
        if label == "LabTarget.apply":
            done = [[r.id, r.verb.value] for r in answer.results if r.ok]
            if done:
                self.write(effect=done, generation=arguments[1].generation)
        elif label in KEEPING and answer is not False:
            self.write(promised=[record.key for record in KEEPING[label](arguments)])


KEEPING: dict[str, Callable[[tuple[Any, ...]], Iterable[Any]]] = {
    "SqliteStore.commit": lambda a: a[2],
    "SqliteStore.keep": lambda a: a[1],
    "SqliteStore.open_case": lambda a: a[3],
}


def finished(site: Installation) -> bool:
    """A machine merge is on record with its outcome, and no case is open."""
    ledger = site.system.world.ledger.facts()
    return bool(ledger.merges) and not ledger.without_outcome() and not site.cases(open_only=True)


def summary(site: Installation) -> dict[str, Any]:
    """Everything that has to be the same, crash or none."""
    world = site.system.world
    ledger = world.ledger.facts()
    return {
        "tree": world.repo.tree(site.head()),
        "subjects": site.subjects(),
        "lab": {name: state["spec"] for name, state in site.lab("/state")["services"].items()},
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


def main(root: Path, journal: Path, point: str) -> int:
    """From where the disk is to the end; the summary and the keys of the log on stdout."""
    wait_out_leases(journal)
    written = Journal(journal, point)
    written.write(life=point, release=__version__)
    for owner, name in STEPS:
        written.wrap(owner, name)
    home = Home(root)
    with serving(home) as (url, muted):
        site = Installation(home, url, root.parent / "unused", muted)
        try:
            site.settle()
            site.until(lambda: finished(site), 1_200)
            site.settle()
            told = summary(site)
            keys = [logged.record.key for logged in site.records()]
        finally:
            site.system.close()
    sys.stdout.write(json.dumps({"summary": told, "keys": keys}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
