"""Units: what each came to, what differs, and what the next apply would change, as pages. Nothing here writes.

Targets are asked while the page is made, one page at a time. Renders are kept apart from the loop's, whose cache belongs to its
thread.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.console.pages import Page
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.trees import FINE, Tree
from reconciler.steps import looking

if TYPE_CHECKING:
    from reconciler.console.gate import Visit
    from reconciler.documents.installation import Unit
    from reconciler.steps.world import World

PAGE = 50
Silent = (Retryable, Permanent, Misconfigured)  # a target that cannot be asked is told in its place


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit in the list."""

    unit: Unit
    states: tuple[tuple[str, int], ...] = ()
    applied: str = ""
    reason: str = ""
    ok: bool = True
    trouble: str = ""

    @property
    def fine(self) -> bool:
        return self.ok and not self.trouble and all(state in FINE for state, _ in self.states)


def listing(visit: Visit) -> Page:
    """Every unit, a page at a time."""
    world = visit.world
    units = looking.units_of(world.standing(), ())
    text = visit.query("page")
    at = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    with visit.desk.looking:
        shown = [_line(world, unit) for unit in units[at * PAGE : (at + 1) * PAGE]]
    return Page("units.html", {"units": shown, "page": at, "total": len(units), "more": (at + 1) * PAGE < len(units)})


def _line(world: World, unit: Unit) -> UnitLine:
    fact = world.ledger.facts().applies.get((unit.target, unit.name))
    done = fact.value if fact else None
    line = UnitLine(unit, (), done.revision if done else "", done.reason if done else "", done.ok if done else True)
    try:
        counted = Counter(health.state.value for health in looking.target_of(world, unit).health(unit.name))
    except Silent as error:
        return dataclasses.replace(line, trouble=str(error))
    return dataclasses.replace(line, states=tuple(sorted(counted.items())))


def one(visit: Visit) -> Page:
    """One unit: where it fails, what differs, and with `?plan=1` what the next apply would change."""
    world = visit.desk.looker
    rules = world.standing()
    (unit,) = looking.units_of(rules, (str(visit.request.path_params["unit"])[:100],))
    whole, planned = visit.query("all") == "1", visit.query("plan") == "1"
    values: dict[str, Any] = {"unit": unit, "whole": whole, "planned": planned, "trouble": "", "drift": None, "plan": None}
    values["tree"] = Tree(unit.name, unit.target)
    with visit.desk.looking:
        try:
            values["tree"] = looking.tree(world, rules, unit, whole=whole)
            values["drift"] = found = looking.drift(world, rules, unit)
            values["left"] = dict(found.left)
            values["plan"] = looking.planned(world, world.head(), unit) if planned else None
        except Silent as error:
            values["trouble"] = str(error)
    return Page("unit.html", values)
