"""`homeostat tree`: from a unit to the objects it declares, what these own, and where it fails."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.cli.common import answer, moment, opened

if TYPE_CHECKING:
    from reconciler.model.trees import Branch, LogTail, Tree


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 when something is not well."""
    from reconciler.steps import looking

    with opened(arguments, connected=True) as system:
        world = system.world
        rules = world.standing()
        units = looking.units_of(rules, arguments.unit)
        found = [looking.tree(world, rules, unit, whole=arguments.all) for unit in units]
        answer(arguments, {"units": found}, "\n".join(line for tree in found for line in lines(tree)))
    return 0 if all(tree.fine for tree in found) else 1


def lines(tree: Tree) -> Iterator[str]:
    """One unit as text."""
    yield f"{tree.unit} on {tree.target}" + ("" if tree.branches or tree.folded else ": nothing is applied yet")
    for branch in tree.branches:
        yield from _branch(branch, 1)
    if tree.folded:
        yield f"  {tree.folded} well; --all shows them" if tree.branches else f"  all {tree.folded} well; --all shows them"


def _branch(branch: Branch, deep: int) -> Iterator[str]:
    at = "  " * deep
    yield f"{at}{branch.id}  {branch.state.value}{'  ' + branch.message if branch.message else ''}"
    for below in branch.below:
        yield from _branch(below, deep + 1)
    if branch.folded:
        yield f"{at}  {branch.folded} well"
    for event in branch.events:
        yield f"{at}  event {moment(event.when_ms)} {event.reason}: {event.message}"
    for log in branch.logs:
        yield from _log(log, at)
    if branch.note:
        yield f"{at}  ({branch.note})"


def _log(log: LogTail, at: str) -> Iterator[str]:
    yield f"{at}  log of {log.container}{', before it ended last' if log.previous else ''}:{' ' + log.note if log.note else ''}"
    yield from (f"{at}    | {line}" for line in log.lines)
    if not log.lines and not log.note:
        yield f"{at}    (it wrote nothing)"
