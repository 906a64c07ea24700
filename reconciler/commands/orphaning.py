"""Orphaning: a person gives objects up without deleting them. Never what Git still declares: it would come back at once.

Both the branch's tip and the revision that is applied count: whoever still converges the older one would take the objects
again. A unit of the target that does not render may declare anything. The record is in the log before anything is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.commands.people import Person, require
from reconciler.converge.render import Outcome
from reconciler.converge.values import RenderFailure
from reconciler.documents.installation import Unit
from reconciler.documents.trust import Role
from reconciler.errors import Permanent
from reconciler.model.records import RecordKind
from reconciler.steps.world import World

Render = Callable[[str, Unit], Outcome]  # of a revision
KEEP = "homeostat.dev/prune: never"
MOST = 500  # ids in one record


def require_undeclared(world: World, render: Render, target: str, unit: str, ids: Sequence[str], *, whole: bool) -> None:
    """Permanent with the place in Git and what to do there."""
    for revision in dict.fromkeys((world.head(), world.cursor.applied or world.head())):
        index = world.rules.at(revision).index
        where = f"at {revision[:12]}"
        if whole and unit in index.by_name and index.by_name[unit].target == target:
            raise Permanent(
                f"unit {unit} is still in homeostat.yaml {where}",
                next_step="take it out there and push; its objects stay. Then orphan it",
            )
        for other in index.by_name.values():
            if other.target == target:
                _require_not_in(render(revision, other), other.name, ids, where)


def _require_not_in(made: Outcome, unit: str, ids: Sequence[str], where: str) -> None:
    if isinstance(made, RenderFailure) or made.errors:
        raise Permanent(
            f"unit {unit} does not render {where}, so nobody knows what it declares: {made.detail}", next_step="repair it first"
        )
    for found in sorted(set(ids) & {o.id for o in made.rendered.objects}):
        raise Permanent(
            f"{found} is still written at {made.places.get(found, unit)} {where}",
            next_step=f"annotate it there `{KEEP}` and push; when that is applied take it out of Git and push; then orphan it",
        )


def recorded(world: World, person: Person, target: str, unit: str, ids: Sequence[str]) -> None:
    """By whom, before it is done."""
    require(world, person, Role.OPERATE, (unit,))
    payload = {"orphaned": list(ids[:MOST]), "count": len(ids), "unit": unit, "target": target, "by": person.name}
    key = f"orphaned/{target}/{unit}/{world.clock.now()}/{world.log.size}"
    world.keep(world.record(RecordKind.CONFIGURED, key, payload, subject=unit))
    world.publish()
