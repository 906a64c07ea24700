"""Company: what other cases are doing right now. One repair at a time is looked at before the next is chosen.

While a repair is landing or in its first minute nobody can tell its effect from the trouble, so other cases wait. And a
case whose cause lies where another case is already repairing waits for that repair's outcome.
"""

from __future__ import annotations

from reconciler.model.cases import Case, Stage
from reconciler.steps.progress import progress, readable
from reconciler.steps.world import World

SETTLING = (Stage.LAND, Stage.APPLY, Stage.GUARD, Stage.UNDO)
REPAIRING = (Stage.OPEN, Stage.JUDGE, *SETTLING, Stage.SOAK)


def settling(world: World, case: Case) -> str:
    """Another case whose repair takes effect just now, "" when there is none."""
    return next((other.id for other in _others(world, case) if other.stage in SETTLING and readable(other)), "")


def repairing(world: World, case: Case, component: str) -> str:
    """Another case that is repairing this component, "" when there is none."""
    for other in _others(world, case):
        proposal = progress(other).proposal if other.stage in REPAIRING and readable(other) else None
        if proposal is not None and component and proposal.component == component:
            return other.id
    return ""


def _others(world: World, case: Case) -> list[Case]:
    return [other for other in world.store.cases(open_only=True) if other.id != case.id]
