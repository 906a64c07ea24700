"""What one round of converging is asked and answers: units, outcomes, and which units need another look.

Everything here is a frozen value. `pending` is a cache, not authority: whoever loses it asks for a round over all units.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, Plan


@dataclass(frozen=True, slots=True)
class Place:
    """A render error: what is wrong, where, and what to do."""

    where: str  # file:line:column
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """A unit that does not render. All errors are here; the last good state is kept."""

    unit: str
    tree: str
    errors: tuple[Place, ...]

    @property
    def detail(self) -> str:
        return "; ".join(str(e) for e in self.errors)


@dataclass(frozen=True, slots=True)
class UnitOutcome:
    """What happened to one unit that was looked at. `plan` is what was asked, `changes` what was done."""

    unit: str
    target: str
    reason: Reason
    detail: str = ""
    plan: Plan | None = None
    changes: ChangeSet | None = None
    again: bool = False  # look again next round although nothing was touched
    waits_for: frozenset[str] = frozenset()  # units that take over objects this one has lost

    @property
    def ok(self) -> bool:
        return self.reason in (Reason.OK, Reason.APPLIED)


@dataclass(frozen=True, slots=True)
class ConvergeResult:
    """One round. Units that needed no look are not listed."""

    revision: str
    generation: int
    outcomes: tuple[UnitOutcome, ...] = ()
    orphans: tuple[str, ...] = ()  # units that a target still holds and homeostat.yaml no longer names: kept
    renders: int = 0  # units whose files were read and parsed, cache hits excluded
    faults: tuple[str, ...] = field(default_factory=tuple)  # targets that could not be asked

    @property
    def ok(self) -> bool:
        return all(o.ok for o in self.outcomes) and not self.faults

    @property
    def pending(self) -> frozenset[str]:
        """Units for the next round's `pending`: what failed, waits, or holds something back."""
        return frozenset(o.unit for o in self.outcomes if o.again or not o.ok)

    def outcome(self, unit: str) -> UnitOutcome | None:
        return next((o for o in self.outcomes if o.unit == unit), None)
