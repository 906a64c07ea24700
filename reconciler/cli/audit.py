"""`homeostat audit` and `homeostat replay`: read the log, prove it, judge again from it."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.audit import text
from reconciler.cli.common import answer, home_of, looking
from reconciler.errors import Misconfigured
from reconciler.model.records import RecordKind

if TYPE_CHECKING:
    from reconciler.replay import Replayed


def log(arguments: argparse.Namespace) -> int:
    """The newest records that fit, oldest first."""
    try:
        kinds = (RecordKind(arguments.kind),) if arguments.kind else ()
    except ValueError as error:
        raise Misconfigured(
            f"no kind of record is called {arguments.kind!r}", next_step=", ".join(k.value for k in RecordKind)
        ) from error
    with looking(arguments) as home:
        found = deque(home.log.records(kinds=kinds, incident=arguments.incident), maxlen=max(1, arguments.limit))
        answer(arguments, [{"index": e.index, "record": e.record} for e in found], text.lines(found) or "no records")
    return 0


def show(arguments: argparse.Namespace) -> int:
    with looking(arguments) as home:
        entry = home.log.entry(arguments.index)
        if arguments.bundle:
            from reconciler.audit.bundles import bundle
            from reconciler.bootstrap.opening import trusted

            known = trusted(home.home, home.pinned.repository)
            print(json.dumps(bundle(home.log.refresh(), arguments.index, known), indent=2))
        else:
            answer(arguments, {"index": entry.index, "record": entry.record, "envelope": dict(entry.envelope)}, text.show(entry))
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Everything: objects, leaves, signatures, payloads, root, history of the branch, the remembered checkpoint."""
    from reconciler.adapters.repos.pygit import PygitRepo
    from reconciler.audit.remembered import Remembered
    from reconciler.audit.verify import verify_log
    from reconciler.bootstrap.opening import pinned, require, trusted

    home = home_of(arguments)
    require(home)
    path = arguments.repository or home.repository
    found = pinned(home)
    memory = Remembered(home.checkpoint).read().checkpoint
    report = verify_log(
        PygitRepo(path),
        trusted(home, found.repository),
        memory=memory,
        objects=lambda: _fsck(path),
        main=f"refs/heads/{found.branch}",
    )
    answer(arguments, report, text.report(report))
    return 0 if report.ok else 65


def _fsck(path: Path) -> list[str]:
    """What git itself says about every object."""
    command = ["git", "-C", str(path), "fsck", "--full", "--strict", "--no-dangling", "--no-progress"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def replay(arguments: argparse.Namespace) -> int:
    from reconciler.replay import replay as judge_again

    with looking(arguments) as home:
        found = judge_again(home.repo, home.log, arguments.incident)
        lines = [f"entry {r.index}: {r.head[:12]} {r.effect} -> {_compared(r)}" for r in found]
        answer(arguments, found, "\n".join(lines))
    return 0 if all(r.same for r in found) else 65


def _compared(one: Replayed) -> str:
    return "the same, byte for byte" if one.same else f"DIFFERENT: {one.again or 'not judged'} {one.detail}".rstrip()
