"""Looking: what people ask about units, answered from the documents in force and the targets. Nothing is written.

In: an open World and the name of a unit. Out: values of the model, fit to be shown: what a cluster says goes through `hiding`,
which knows the secrets of the unit and of the units that it depends on, as Git has them. Where these cannot be told, because a
unit does not render, no text of the cluster is shown at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from reconciler.converge.redaction import HIDDEN, KnownValues
from reconciler.converge.render import RenderedUnit
from reconciler.documents.installation import Unit
from reconciler.documents.nearest import nearest
from reconciler.errors import Permanent
from reconciler.health.facts import said
from reconciler.model.trees import Branch, Tree, flat
from reconciler.ports.target import Showing, Target
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.world import World


def units_of(rules: Rulebook, names: Sequence[str]) -> Sequence[Unit]:
    """These units, or all; dependencies first."""
    known = rules.index.by_name
    for name in names:
        if name not in known:
            raise Permanent(f"homeostat.yaml names no unit {name!r}", next_step=nearest(name, known))
    return rules.index.in_order(names or known)


def target_of(world: World, unit: Unit) -> Target:
    if found := world.targets.get(unit.target):
        return found
    raise Permanent(f"target {unit.target} of unit {unit.name} is not set up", next_step="homeostat status")


def tree(world: World, rules: Rulebook, unit: Unit, *, whole: bool = False) -> Tree:
    """What the unit came to. A target that knows no more tells its objects as a list."""
    target, hide = target_of(world, unit), hiding(world, rules, unit)
    if isinstance(target, Showing):
        return target.tree(unit.name, hide, whole=whole)
    found = tuple(Branch(h.id, h.state, said(hide(h.message))) for h in target.health(unit.name))
    return flat(unit.name, target.name, found, whole=whole)


def hiding(world: World, rules: Rulebook, unit: Unit) -> Callable[[str], str]:
    """Takes out of a text what Git holds encrypted or as a Secret."""
    known = KnownValues()
    for one in _with_dependencies(rules, unit):
        if not _learn(world, rules, one, known):
            return _everything
    return known.hide


def _learn(world: World, rules: Rulebook, unit: Unit, known: KnownValues) -> bool:
    """From what is applied and from what comes next; whether one of them could be read to its end."""
    whole = False
    for revision in dict.fromkeys(r for r in (world.cursor.applied, world.admitted(), world.head()) if r):
        made = world.converger.rendered(rules.index, revision, unit)
        if isinstance(made, RenderedUnit):
            known.learn_objects(made.rendered.objects)
            whole |= bool(made.rendered.tree) and not made.errors
    return whole


def _with_dependencies(rules: Rulebook, unit: Unit) -> Iterator[Unit]:
    names, waiting = {unit.name}, [unit]
    while waiting:
        one = waiting.pop()
        yield one
        fresh = [name for name in one.depends_on if name not in names and name in rules.index.by_name]
        names.update(fresh)
        waiting += [rules.index.by_name[name] for name in fresh]


def _everything(text: str) -> str:
    return HIDDEN if text else ""
