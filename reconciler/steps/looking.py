"""Looking: what people ask about units, answered from the documents in force and the targets. Nothing is written.

In: an open World and the name of a unit. Out: values of the model, fit to be shown: what a cluster says goes through `hiding`,
which knows the secrets of the unit and of the units that it depends on, as Git has them. Where these cannot be told, because a
unit does not render, no text of the cluster is shown at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.converge.drift import compare
from reconciler.converge.manners import manner_of
from reconciler.converge.redaction import HIDDEN, KnownValues
from reconciler.converge.render import RenderedUnit
from reconciler.converge.rounds import Round
from reconciler.converge.values import ConvergeResult
from reconciler.documents.installation import Unit
from reconciler.documents.installation_applier import applied_by
from reconciler.documents.nearest import nearest
from reconciler.errors import Permanent
from reconciler.health.facts import said
from reconciler.model.differences import Difference, FieldDifference
from reconciler.model.revisions import Rendered
from reconciler.model.trees import Branch, Tree, flat
from reconciler.ports.target import Showing, Target
from reconciler.steps.converging import suspensions
from reconciler.steps.fighting import fought
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.world import World


@dataclass(frozen=True, slots=True)
class UnitDrift:
    """What differs in one unit. `left` says of drifted objects why they are not put back; others are, at the next round."""

    unit: str
    target: str
    policy: str
    differences: tuple[Difference, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def drifted(self) -> bool:
        return bool(self.note) or any(d.drifted for d in self.differences)


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


def drift(world: World, rules: Rulebook, unit: Unit) -> UnitDrift:
    """What differs now, and what will be done about it."""
    target, hide = target_of(world, unit), hiding(world, rules, unit)
    if by := applied_by(unit.applier):
        return UnitDrift(unit.name, target.name, unit.drift, note=f"{by} applies it; Homeostat follows what that says of it")
    revision = world.cursor.applied or world.admitted()
    made = world.converger.rendered(rules.index, revision, unit)
    if not isinstance(made, RenderedUnit):
        return UnitDrift(unit.name, target.name, unit.drift, note=f"the unit does not render: {said(made.detail)}")
    rendered = replace(made.rendered, manner=manner_of(unit))
    found = target.differences(rendered, hide) if isinstance(target, Showing) else _plainly(target, rendered, revision)
    why = {d.id: _left(world, unit, d.id) for d in found if d.drifted}
    return UnitDrift(unit.name, target.name, unit.drift, tuple(found), tuple((i, text) for i, text in why.items() if text))


def _plainly(target: Target, rendered: Rendered, revision: str) -> Sequence[Difference]:
    """Of a target that does not know who writes what."""
    observed = target.observe(rendered.unit)
    gone = {d.id: not d.live for d in compare(rendered, observed)}
    steps = {s.id: s.fields for s in target.plan(rendered, revision, observed.generation).steps} if gone else {}
    rows = {i: tuple(FieldDifference(p, after, before) for p, before, after in steps.get(i, ())) for i in gone}
    return [Difference(i, gone[i], () if gone[i] else rows[i]) for i in sorted(gone)]


def _left(world: World, unit: Unit, object_id: str) -> str:
    """Why a drifted object stays as it is; "" when the loop puts it back."""
    now, facts = world.clock.now(), world.ledger.facts()
    if suspended := facts.suspended(now, unit.name):
        return suspended
    if unit.drift != "correct":
        return f"the unit's drift policy is {unit.drift}"
    if brake := facts.braked(now):
        return f"a brake stops drift correction: {brake.value.reason}; homeostat brake off {brake.value.id} lifts it"
    if fought(world.store, unit.name, object_id, now):
        return "it was put back again and again, and is left alone for a while: give the field away, or let Git say the value"
    return ""


def planned(world: World, revision: str, unit: Unit | None = None) -> ConvergeResult:
    """What converge would do with a revision, to one unit or to all. At a generation newer than any that a target can hold:
    nothing is skipped as old, and nothing is done.
    """
    rules = world.rules.at(revision)
    newest = len(world.repo.between(world.root, world.head())) + len(world.repo.between(world.root, revision)) + 2
    now = world.clock.now()
    braked = world.ledger.facts().braked(now) is not None
    before, names = (revision, frozenset({unit.name})) if unit else ("", frozenset[str]())
    ask = Round(
        rules.index, revision, before, newest, now, pending=names, braked=braked, dry_run=True, suspended=suspensions(world)
    )  # fmt: skip
    return world.converger.converge(ask)
