"""`homeostat backup`, `restore`, `migrate`, `maintain`: a home copied, made again, brought to this release's layout, packed."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.cli.common import answer, home_of
from reconciler.errors import Retryable


def backup(arguments: argparse.Namespace) -> int:
    """A consistent copy, also while the controller runs."""
    from reconciler.bootstrap.copies import backup as make

    made = make(home_of(arguments), arguments.to, with_keys=arguments.with_keys)
    keys = "with private keys: guard it like the home" if made.with_keys else "without private keys: keep those elsewhere"
    text = f"{arguments.to} holds {made.repository} at {made.head[:12]} with {made.records} records, {keys}"
    answer(
        arguments,
        {"to": str(arguments.to), "manifest": made},
        f"{text}\nrestore it with: {_restoring(arguments, made.with_keys)}",
    )
    return 0


def _restoring(arguments: argparse.Namespace, with_keys: bool) -> str:
    return f"homeostat --home NEW restore {arguments.to}{'' if with_keys else ' --keys FOLDER'}"


def restore(arguments: argparse.Namespace) -> int:
    """A new home: a new epoch of the log, the brake on, unfinished Operations unknown."""
    from reconciler.bootstrap.copies import restore as make

    home = home_of(arguments)
    made = make(arguments.source, home, keys=arguments.keys)
    lines = [
        f"{home.root} is restored: {made.manifest.repository} at {made.manifest.head[:12]}, epoch {made.epoch} of the log",
        f"{made.brake} is on: machine merges, Operations and drift correction are stopped",
        *(f"Operation {name} was under way and is unknown now: look what it did; it is not run again" for name in made.unknown),
        "next:",
        "  1. make sure that the old installation does not run any more",
        f"  2. homeostat --home {home.root} audit verify",
        "  3. fetch what the backup misses from a clone, and push it",
        f"  4. homeostat --home {home.root} up",
        f"  5. homeostat --home {home.root} brake off {made.brake}",
    ]
    answer(arguments, made, "\n".join(lines))
    return 0


def migrate(arguments: argparse.Namespace) -> int:
    """The store's layout; running it again changes nothing."""
    from reconciler.adapters.stores.schema import migrate as bring_up
    from reconciler.bootstrap.opening import read_running, require

    home = home_of(arguments)
    require(home)
    if running := read_running(home):
        raise Retryable(f"process {running.pid} runs this home", next_step="stop it, migrate, start it again")
    found, now = bring_up(home.store)
    text = f"the store has layout {now} already" if found == now else f"the store was brought from layout {found} to {now}"
    answer(arguments, {"found": found, "now": now}, text)
    return 0


def maintain(arguments: argparse.Namespace) -> int:
    """Git's objects and refs into one pack; nothing is deleted."""
    from reconciler.adapters.repos.pygit import PygitRepo
    from reconciler.bootstrap.opening import require

    home = home_of(arguments)
    require(home)
    before = _size(home.repository)
    PygitRepo(home.repository).maintain()
    after = _size(home.repository)
    answer(arguments, {"before": before, "after": after}, f"the repository took {before:,} bytes, and takes {after:,} now")
    return 0


def _size(folder: Path) -> int:
    """What the files take on disk: thousands of small ones take more than they hold."""
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
