"""What verbs share: the home of a call, an open system, who acts, how an answer is printed."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.cli.inert import inert
from reconciler.errors import Misconfigured
from reconciler.model.home import Home

if TYPE_CHECKING:
    from reconciler.bootstrap.reading import Reading
    from reconciler.bootstrap.system import System
    from reconciler.commands.people import Person
    from reconciler.ports.clock import Clock
    from reconciler.steps.office import Office

_DURATION = re.compile(r"(\d{1,6})(ms|s|m|h|d)")
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def home_of(arguments: argparse.Namespace) -> Home:
    return Home(arguments.home.resolve())


@contextlib.contextmanager
def opened(arguments: argparse.Namespace, *, connected: bool = False) -> Iterator[System]:
    """The home of this call, open; where its installation runs, at the addresses that it really has.
    `connected` is for verbs that ask targets.
    """
    from reconciler.bootstrap.opening import read_running
    from reconciler.bootstrap.system import open_system

    home = home_of(arguments)
    running = read_running(home)
    lab, web = (running.lab, running.web) if running else ("", "")
    with open_system(home, lab_url=lab, base_url=web, connected=connected) as system:
        yield system


@contextlib.contextmanager
def looking(arguments: argparse.Namespace) -> Iterator[Reading]:
    """The home of this call for verbs that only look: no documents, targets or telemetry are loaded."""
    from reconciler.bootstrap.reading import reading

    with reading(home_of(arguments)) as found:
        yield found


@contextlib.contextmanager
def stopping(arguments: argparse.Namespace) -> Iterator[Office]:
    """The home of this call for verbs that stop the machine: no targets or telemetry, and of the documents Trust alone."""
    from reconciler.bootstrap.office import open_office

    with open_office(home_of(arguments)) as office:
        yield office


def acting(arguments: argparse.Namespace, office: Office) -> Person:
    """Who runs this call: `--as` with `--key`, else the home's owner with the owner key."""
    from reconciler.adapters.signing.ed25519 import FileSigner
    from reconciler.bootstrap.opening import pinned
    from reconciler.commands.people import proved

    home = home_of(arguments)
    name = arguments.principal or pinned(home).owner
    signer = FileSigner(arguments.key or home.key("owner"), "person")
    return proved(office, name, signer)


def answer(arguments: argparse.Namespace, value: Any, text: str) -> None:
    """One JSON document or the text, on stdout."""
    if arguments.json:
        from reconciler.model.canonical import plain

        print(json.dumps(plain(value), sort_keys=True, indent=2))  # ASCII: nothing in it can talk to a terminal
    else:
        print(inert(text))


def tell(text: str) -> None:
    """Progress, on stderr, so that stdout stays what was asked for."""
    print(inert(text), file=sys.stderr, flush=True)


def duration_ms(text: str) -> int:
    """`90s`, `5m`, `2h` as ms."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise Misconfigured(f"{text!r} is no duration", next_step="write a number and a unit, such as 30s, 5m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def ago(clock: Clock, clock_ms: int) -> str:
    """How long ago under the Clock, for people."""
    seconds = max(0, clock.now() - clock_ms) // 1_000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def moment(wall_ms: int) -> str:
    """A time that somebody else's clock told."""
    return f"{datetime.fromtimestamp(wall_ms // 1_000, UTC):%Y-%m-%d %H:%M:%SZ}" if wall_ms else "at an unknown time"


def left(clock: Clock, until_ms: int) -> str:
    """How long something still lasts under the Clock."""
    seconds = max(0, until_ms - clock.now()) // 1_000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit} left"
    return f"{seconds}s left"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as they need to be; the last is not padded."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)] if rows else []
    return "\n".join(
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    )
