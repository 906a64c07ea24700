"""Apply: wait until converge has brought the landed commit to its target. What cannot be applied is undone.

Objects of the unit that could not be applied before the commit either, and that it does not edit, are not waited for: what
somebody else broke says nothing against a repair.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from reconciler.audit.view import Facts
from reconciler.converge.left import patience_ms
from reconciler.model.cases import Case, Stage
from reconciler.model.reasons import Reason
from reconciler.steps.endings import quiet_end
from reconciler.steps.progress import Progress, progress, step
from reconciler.steps.world import Advance, World

LOOK_AGAIN_MS = 1_000
PATIENCE_MS = 300_000  # a target that is away comes back; a commit that does not apply does not


def await_apply(world: World, case: Case) -> Advance:
    """APPLY: to GUARD with the time of the apply, or to UNDO."""
    found = progress(case)
    now = world.clock.now()
    ledger = world.ledger.facts()
    if found.head in ledger.reverted:
        return quiet_end(world, case, Reason.REVERTED, f"{found.head[:12]} was undone by {ledger.reverted[found.head][:12]}")
    units = found.proposal.blast.units if found.proposal else ()
    newest = {place: f for place, f in ledger.applies.items() if place[1] in units}
    applied = list(newest.values())
    good = [place for place in newest if _holds(world, ledger, found, place)]
    if len(good) == len(units) and good:
        at = max(_since(world, found.head, ledger.unit_applied.get(place, {})) or newest[place].clock_ms for place in good)
        found = dataclasses.replace(found, applied_ms=at)
        if (worse := ledger.found_worse(found.head)) and not found.undoing:  # a case rebuilt from the log goes on where it was
            undoing = dataclasses.replace(found, undo_reason=worse)
            return Advance(step(case, Stage.UNDO, undoing, now, Reason.WORSE, worse))
        told = f"{found.head[:12]} is applied to {', '.join(units)}"
        stage, after = _next(ledger, found)
        return Advance(step(case, stage, found, at + after, Reason.APPLIED, told))
    if now - found.merged_ms > _patience(world, found, units):
        detail = "; ".join(f"{f.value.unit}: {f.value.reason}" for f in applied if not f.value.ok) or "it was not applied"
        if found.undoing:
            return quiet_end(world, case, Reason.ERROR, detail)
        return Advance(step(case, Stage.UNDO, dataclasses.replace(found, undo_reason=detail), now, Reason.ERROR, detail))
    return Advance(step(case, Stage.APPLY, found, now + LOOK_AGAIN_MS, Reason.OK, "waiting for the target"))


def _holds(world: World, ledger: Facts, found: Progress, place: tuple[str, str]) -> bool:
    """Whether a unit is as the commit, or a later one, wants it, but for what failed before and is not of this repair."""
    newest = ledger.applies[place].value
    if not world.repo.is_ancestor(found.head, newest.revision):
        return False
    tried = ledger.unit_failed.get(place, {})
    failed = tried.get(newest.revision, frozenset())
    if newest.ok or not failed or found.proposal is None:
        return newest.ok
    earlier = [f for r, f in tried.items() if not world.repo.is_ancestor(found.head, r)]
    own = {found.proposal.component, *found.proposal.blast.components}
    return failed <= (earlier[-1] if earlier else frozenset()) and not any(i.rpartition("/")[2] in own for i in failed)


def _next(ledger: Facts, found: Progress) -> tuple[Stage, int]:
    """The guard, unless the log has it already: a case rebuilt after the store was lost looks at nothing twice."""
    expected = found.proposal.expectation if found.proposal else None
    if any(fact.value.stage == "guard" for fact in ledger.outcomes.get(found.head, ())):
        return Stage.SOAK, expected.outcome_after_ms if expected else 0
    return Stage.GUARD, expected.guard_after_ms if expected else 0


def _patience(world: World, found: Progress, units: Collection[str]) -> int:
    """The longest time-out of the playbook's steps; what has none gets the usual patience. Never less than somebody else who
    applies one of the units is given.
    """
    given = [edit.timeout_ms for edit in found.proposal.edits if edit.timeout_ms] if found.proposal else []
    known = world.applied_rulebook().index.by_name
    return max([max(given, default=PATIENCE_MS), *(patience_ms(known[unit]) for unit in units if unit in known)])


def _since(world: World, head: str, revisions: dict[str, int]) -> int:
    """Since when a unit has held the commit. A later apply, as after the store was lost, does not move what was before."""
    first = 0
    for revision, at in reversed(revisions.items()):
        if not world.repo.is_ancestor(head, revision):
            break
        first = at
    return first
