"""`homeostat wait`: until units are healthy, or a revision is applied. Says on stderr what it still waits for.

Targets that tell of changes wake it; the others, and the log, are looked at once a second. Exit code 0 when it is so, 75 when the
time is over, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.cli.common import answer, duration_ms, looking, opened, tell
from reconciler.errors import Permanent, Retryable

if TYPE_CHECKING:
    from reconciler.bootstrap.reading import Reading
    from reconciler.documents.installation import Unit
    from reconciler.steps.world import World

LOOK_S = 1.0
LOOK_BACK = 2_000  # commits of the branch
SHOWN = 3  # of what is waited for, in one line


def run(arguments: argparse.Namespace) -> int:
    what, _, revision = arguments.wanted.partition("=")
    if arguments.wanted == "healthy":
        return _healthy(arguments)
    if what == "applied":
        return _applied(arguments, revision)
    raise Permanent(f"--for {arguments.wanted} is not known", next_step="write healthy, applied or applied=COMMIT")


def _healthy(arguments: argparse.Namespace) -> int:
    from reconciler.steps.looking import units_of

    news = threading.Event()
    with opened(arguments, connected=True) as system:
        system.connections.wake = news.set
        units = units_of(system.world.standing(), arguments.unit)
        return _until(arguments, lambda: list(_unwell(system.world, units)), news)


def _unwell(world: World, units: Sequence[Unit]) -> Iterator[str]:
    from reconciler.model.trees import FINE
    from reconciler.steps.looking import target_of

    for unit in units:
        try:
            found = target_of(world, unit).health(unit.name)
        except Retryable as error:
            yield f"{unit.name}: {error}"
            continue
        if not found:
            yield f"{unit.name}: nothing is applied yet"
        yield from (f"{h.id} is {h.state.value}{': ' + h.message if h.message else ''}" for h in found if h.state not in FINE)


def _applied(arguments: argparse.Namespace, revision: str) -> int:
    with looking(arguments) as home:
        commit = _commit(home, revision)
        return _until(arguments, lambda: list(_unapplied(home, commit, arguments.unit)), threading.Event())


def _commit(home: Reading, wanted: str) -> str:
    """A commit of the protected branch by its beginning; its tip when none is given."""
    if not wanted:
        return home.head
    known = [info.id for info in home.repo.history(home.head, limit=LOOK_BACK) if info.id.startswith(wanted.lower())]
    if len(known) == 1 and len(wanted) >= 4:
        return known[0]
    raise Permanent(
        f"{len(known)} commits of {home.pinned.branch} begin with {wanted!r}", next_step="push it first, or give more of its id"
    )


def _unapplied(home: Reading, commit: str, units: Sequence[str]) -> Iterator[str]:
    followed = home.applied()
    if not followed or not home.repo.is_ancestor(commit, followed):
        yield f"{commit[:12]} to be followed; applied is {followed[:12] or 'nothing'}"
    newest = {unit: fact.value for (_, unit), fact in home.ledger.facts().applies.items()}
    for name in units or sorted(newest):
        if name not in newest:
            yield f"{name}: nothing is applied yet"
        elif not newest[name].ok:
            failed = next((r for r in newest[name].results if not r.ok), None)
            yield f"{name}: {newest[name].reason}" + (f", {failed.id}: {failed.detail or failed.reason}" if failed else "")


def _until(arguments: argparse.Namespace, missing: Callable[[], list[str]], news: threading.Event) -> int:
    look = "tree" if arguments.wanted == "healthy" else "status"
    begun, most, told = time.monotonic(), duration_ms(arguments.timeout) / 1_000, ""
    while left := missing():
        text = "; ".join(left[:SHOWN]) + (f"; and {len(left) - SHOWN} more" if len(left) > SHOWN else "")
        if text != told:
            tell(f"waiting for {text}")
            told = text
        rest = begun + most - time.monotonic()
        if rest <= 0:
            raise Retryable(f"not {arguments.wanted} after {arguments.timeout}: {text}", next_step=f"homeostat {look}")
        news.wait(min(LOOK_S, rest))
        news.clear()
    waited = time.monotonic() - begun
    names = ", ".join(arguments.unit) or "everything"
    answer(
        arguments,
        {"units": arguments.unit, "for": arguments.wanted, "waited_s": round(waited, 1)},
        f"{names}: {arguments.wanted}",
    )
    return 0
