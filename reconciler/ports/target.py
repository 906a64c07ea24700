"""Target: a place where desired objects become real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from reconciler.model.revisions import ChangeSet, Health, Observed, Plan, Rendered


class Target(Protocol):
    """`observe, plan, apply, health` per unit. Compares generations itself: a plan older than what it holds is
    refused with STALE_PLAN and nothing is done. Applying the same plan twice is the same as once. All errors are
    reported, object by object; independent objects go on when one fails. Inventory lives in the target."""

    @property
    def name(self) -> str: ...

    def observe(self, unit: str) -> Observed: ...

    def inventory(self) -> Mapping[str, str]:
        """Every object id Homeostat manages here, to the unit that owns it. An object that moves between units is
        never pruned by the unit that lost it."""
        ...

    def plan(self, rendered: Rendered, revision: str, generation: int) -> Plan:
        """What `apply` would do; touches nothing. Includes drift: live objects that differ from desired."""
        ...

    def dry_run(self, plan: Plan) -> ChangeSet:
        """Asks the real system to accept the plan without doing it."""
        ...

    def apply(self, plan: Plan) -> ChangeSet: ...

    def health(self, unit: str) -> Sequence[Health]: ...
