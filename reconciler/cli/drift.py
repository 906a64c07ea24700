"""`homeostat drift`: what differs from Git now, field by field, who changed it, and why it is put back or not."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.cli.common import answer, moment, opened, table

if TYPE_CHECKING:
    from reconciler.model.differences import FieldDifference
    from reconciler.steps.looking import UnitDrift


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 when something that is Git's differs."""
    from reconciler.steps import looking

    with opened(arguments, connected=True) as system:
        world = system.world
        rules = world.standing()
        found = [looking.drift(world, rules, unit) for unit in looking.units_of(rules, arguments.unit)]
        text = "\n".join(line for unit in found for line in lines(unit))
        answer(arguments, {"units": found}, text or f"nothing differs in {len(found)} units")
    return 1 if any(unit.drifted for unit in found) else 0


def lines(found: UnitDrift) -> Iterator[str]:
    """One unit; nothing of one in which nothing differs."""
    if not found.differences and not found.note:
        return
    yield f"{found.unit} on {found.target}, drift: {found.policy}{'  (' + found.note + ')' if found.note else ''}"
    left = dict(found.left)
    for one in found.differences:
        yield f"  {one.id}{' is gone' if one.gone else ''}{': ' + one.note if one.note else ''}"
        if one.fields:
            yield table([_row(field) for field in one.fields])
        if not one.drifted:
            yield "    stays: nothing of it is Git's"
        else:
            yield f"    stays: {left[one.id]}" if one.id in left else "    is put back in the next round"


def _row(field: FieldDifference) -> tuple[str, ...]:
    change = f"{field.desired or '(none)'} -> {field.live or '(none)'}"
    who = f"by {field.manager}, {moment(field.when_ms)}" if field.manager else "nobody has it now"
    return f"    {field.path}", change, who, f"({field.why})" if field.why else ""
