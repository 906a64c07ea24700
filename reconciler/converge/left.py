"""Left: a unit that somebody else applies is followed, and never planned or applied here.

In: what the other applier says (a Standing), whether a revision of theirs holds ours. Out: the unit's outcome.

1. An object that is not there, or that applies another folder, is told: nothing will ever come of it.
2. What failed at our revision is told in their words. What failed at a newer one is that one's business.
3. Applied is what they found well at a revision that holds ours.
4. What a person stopped is told; everything else waits, and a person is told when it has waited too long. Nothing is ever
   applied here instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from reconciler.converge.values import UnitOutcome
from reconciler.documents.installation import Unit
from reconciler.documents.installation_applier import HomeostatApplier
from reconciler.errors import Misconfigured
from reconciler.model.appliers import AppliedBy, Phase, Standing
from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, StepResult, Verb
from reconciler.ports.repo import Repo
from reconciler.ports.target import Sharing, Target

Holds = Callable[[tuple[str, ...]], bool]
_WRONG = {Phase.FAILED: Reason.ERROR, Phase.UNHEALTHY: Reason.UNHEALTHY}


@dataclass(frozen=True, slots=True)
class Now:
    """Of the round."""

    revision: str
    generation: int
    ms: int


@dataclass
class Follower:
    """Keeps since when each unit has waited."""

    repo: Repo
    targets: Mapping[str, Target]
    since: dict[str, int] = field(default_factory=dict)
    one: Lock = field(default_factory=Lock)  # units are followed side by side; the repository is one

    def standing(self, unit: Unit, by: AppliedBy) -> Standing:
        target = self.targets[unit.target]
        if not isinstance(target, Sharing):
            raise Misconfigured(f"target {unit.target} cannot tell what {by} does", where=f"unit {unit.name}")
        return target.standing(unit.name, by)

    def follow(self, unit: Unit, by: AppliedBy, now: Now, same: Callable[[str], bool]) -> UnitOutcome:
        """`same`: whether a revision renders from what the round's does."""

        def holds(revisions: tuple[str, ...]) -> bool:
            with self.one:
                return any(self._holds(theirs, now.revision, same) for theirs in revisions)

        reason, told = judged(unit, by, self.standing(unit, by), now.revision, holds)
        since = self.since.setdefault(unit.name, now.ms)
        if reason is not Reason.WAITING:
            del self.since[unit.name]
        elif now.ms - since >= patience_ms(unit):
            reason = Reason.ERROR
        result = StepResult(str(by), Verb.UPDATE, ok=reason is Reason.APPLIED, reason=reason.value, detail=told[:1_000])
        changes = ChangeSet(unit.name, unit.target, now.revision, now.generation, (result,), reason.value)
        return UnitOutcome(unit.name, unit.target, reason, told, changes=changes, again=reason is not Reason.APPLIED)

    def _holds(self, theirs: str, ours: str, same: Callable[[str], bool]) -> bool:
        """All of ours, or at least the same of everything that the unit reads."""
        if theirs == ours:
            return True
        if self.repo.commit(theirs) is None:
            return False
        return self.repo.is_ancestor(ours, theirs) or (self.repo.is_ancestor(theirs, ours) and same(theirs))


def patience_ms(unit: Unit) -> int:
    """How long a unit may wait for its applier; 0 for Homeostat."""
    return 0 if isinstance(unit.applier, HomeostatApplier) else unit.applier.timeout_ms


def judged(unit: Unit, by: AppliedBy, stands: Standing, revision: str, holds: Holds) -> tuple[Reason, str]:
    """APPLIED, WAITING, or what is wrong."""
    if stands.phase is Phase.MISSING:  # 1
        return Reason.ERROR, f"{by} is to apply unit {unit.name}, and {stands.told}"
    if stands.folder is not None and not _inside(unit.path, stands.folder):
        return Reason.INVALID, f"{by} applies the folder {stands.folder}, unit {unit.name} is {unit.path}; correct one of them"
    applied = holds(stands.applied)
    newer = applied and not set(stands.tried) <= set(stands.applied)
    ours = not stands.tried or (holds(stands.tried) and not newer)
    if stands.phase in _WRONG and ours:  # 2
        return _WRONG[stands.phase], f"{by}: {stands.told}"
    if applied:  # 3
        return Reason.APPLIED, f"{by} applied {stands.applied[0][:12]}"
    if stands.phase is Phase.STOPPED:  # 4
        return Reason.ERROR, f"{by} has not applied {revision[:12]}: {stands.told}"
    return Reason.WAITING, f"{by} has not applied {revision[:12]} yet" + (f": {stands.told}" if stands.told else "")


def _inside(path: str, folder: str) -> bool:
    top = "/".join(part for part in folder.split("/") if part not in ("", "."))
    return not top or path == top or path.startswith(top + "/")
