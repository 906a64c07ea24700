"""Observe: did it help? The coarse guard a minute after the apply, then the outcome; both against what was named before.

Where a target named the trouble it is asked, too; a trouble that it did not name when the repair landed is harm.
Worse at either: undo, on the fast lane. Blind: neither good nor bad; it waits, and after that the installation's own
`onBlind` decides. A machine revert is never reverted by the machine: when that made it worse, a person is paged.
"""

from __future__ import annotations

import dataclasses

from reconciler.audit.facts import outcome_record
from reconciler.errors import Retryable
from reconciler.model.cases import Case, Stage
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.reasons import Reason
from reconciler.model.records import Record
from reconciler.model.revisions import Health
from reconciler.model.troubles import Trouble
from reconciler.signals import standing_long
from reconciler.steps.endings import page_and_end, quiet_end
from reconciler.steps.progress import Progress, progress, step
from reconciler.steps.telling import told_of, troubles_now
from reconciler.steps.world import Advance, World
from reconciler.verify import Seen, unwell, verify, windows

LOOK_AGAIN_MS = 15_000
REPAIRS = 3  # candidates tried for one incident before a person is paged


def guard(world: World, case: Case) -> Advance:
    """GUARD: to SOAK, or to UNDO when it is clearly worse."""
    found = progress(case)
    if gone := _undone(world, case, found):
        return gone
    outcome, found = _look(world, found, "guard")
    records = (outcome_record(outcome, world.clock.stamp(), case.id),)
    if outcome.state is OutcomeState.WORSE:
        return _worse(world, case, found, outcome, records)
    due = found.applied_ms + (found.proposal.expectation.outcome_after_ms if found.proposal else 0)
    return Advance(step(case, Stage.SOAK, found, due, outcome.reason, outcome.summary), records)


def soak(world: World, case: Case) -> Advance:
    """SOAK: the outcome."""
    found = progress(case)
    if gone := _undone(world, case, found):
        return gone
    outcome, found = _look(world, found, "outcome")
    if outcome.reason == Reason.BLIND.value:
        waiting = _blind(world, case, found, outcome)
        if waiting is not None:
            return waiting
    records = (outcome_record(outcome, world.clock.stamp(), case.id),)
    if outcome.state is OutcomeState.WORSE:
        return _worse(world, case, found, outcome, records)
    if found.undoing:
        return _after_undo(world, case, found, outcome).plus(*records)
    if outcome.state is OutcomeState.BETTER:
        return _better(world, case, found, outcome).plus(*records)
    return _unclear(world, case, found, outcome).plus(*records)


def _better(world: World, case: Case, found: Progress, outcome: Outcome) -> Advance:
    """The end, unless a target still says something of the incident's objects: then that is next."""
    left = _left(world, found)
    if not left:
        return quiet_end(world, case, Reason.BETTER, outcome.summary)
    fresh = Progress(found.incident, attempts=found.attempts, refused=found.refused)
    told = f"{outcome.summary}; the target still says {left}"
    return Advance(step(case, Stage.TRIAGE, fresh, world.clock.now(), Reason.BETTER, told))


def wrong_before(world: World, found: Progress) -> tuple[str, ...] | None:
    """What is wrong in the units that are about to be edited, and what was when an undone repair landed."""
    if found.proposal is None or not found.proposal.expectation.told:
        return None
    said = _said(world, found)
    if said is None:
        return None
    troubles, health = said
    return tuple(sorted({*(found.known or ()), *(t.fingerprint for t in troubles), *unwell(health)}))


def _said(world: World, found: Progress) -> tuple[tuple[Trouble, ...], tuple[Health, ...]] | None:
    """What targets say of the edited units; None when one of them cannot be asked."""
    troubles = troubles_now(world, found.proposal.blast.units if found.proposal else ())
    if troubles is None:
        return None
    try:
        return troubles, _health(world, found)
    except Retryable:
        return None


def _left(world: World, found: Progress) -> str:
    """What a target still says of the incident's objects, "" for nothing: an incident may be about several."""
    claimed = {signal.fingerprint for signal in found.incident.signals if signal.told}
    still = (t for t in told_of(world, found.incident) or () if t.fingerprint in claimed)
    return next((f"{t.kind.value} of {t.object}" for t in still), "")


def _look(world: World, found: Progress, stage: str) -> tuple[Outcome, Progress]:
    """The outcome, and the progress with the harm that was seen."""
    if found.proposal is None:
        raise ValueError("observed without a proposal")
    expectation = found.proposal.expectation
    span = windows(expectation, found.applied_ms, stage)
    if found.blind_ms:  # what nobody measured stays unmeasured: sight that comes back looks at the present
        late = max(0, world.clock.now() - span.due_ms)
        span = dataclasses.replace(span, after=(span.after[0] + late, span.after[1] + late))
    now = world.clock.now()
    if not expectation.told:
        seen = Seen(_health(world, found))
        return verify(expectation, world.telemetry, span, stage, found.head, now, seen), found
    said = _said(world, found)
    troubles, health = said if said is not None else (None, ())
    new = _new(world, found, troubles or (), health)
    outcome = verify(expectation, world.telemetry, span, stage, found.head, now, Seen(health, troubles, new))
    return outcome, found if found.undoing else dataclasses.replace(found, harm=new)


def _new(world: World, found: Progress, troubles: tuple[Trouble, ...], health: tuple[Health, ...]) -> tuple[str, ...]:
    """What was not wrong when the repair landed and has lasted; troubles first, they say more."""
    if found.known is None:
        return ()
    percent = world.applied_rulebook().installation.spec.grouping.trouble_hold_percent
    lasting = (t.fingerprint for t in troubles if standing_long(t, world.clock.now(), percent))
    return tuple(word for word in (*lasting, *unwell(health)) if word not in found.known)


def _health(world: World, found: Progress) -> tuple[Health, ...]:
    units = set(found.proposal.blast.units) if found.proposal else set()
    wanted = {u.name: u.target for u in world.applied_rulebook().installation.spec.units if u.name in units}
    return tuple(h for unit, target in sorted(wanted.items()) for h in world.targets[target].health(unit))


def _undone(world: World, case: Case, found: Progress) -> Advance | None:
    """A person or a panic was faster."""
    by = world.ledger.facts().reverted.get(found.head)
    return quiet_end(world, case, Reason.REVERTED, f"{found.head[:12]} was undone by {by[:12]}") if by else None


def _blind(world: World, case: Case, found: Progress, outcome: Outcome) -> Advance | None:
    """Wait while there is patience; None when the installation's rule has to decide."""
    now = world.clock.now()
    since = found.blind_ms or now
    rule = world.applied_rulebook().installation.spec.verification
    if now - since < rule.blind_ms:
        waiting = dataclasses.replace(found, blind_ms=since)
        return Advance(step(case, Stage.SOAK, waiting, now + LOOK_AGAIN_MS, Reason.BLIND, outcome.summary))
    return None


def _unclear(world: World, case: Case, found: Progress, outcome: Outcome) -> Advance:
    rule = world.applied_rulebook().installation.spec.verification
    if outcome.reason == Reason.BLIND.value and rule.on_blind == "revert":
        told = f"blind for {rule.blind_ms} ms after the repair: undone, as onBlind says"
        return Advance(
            step(case, Stage.UNDO, dataclasses.replace(found, undo_reason=told), world.clock.now(), Reason.BLIND, told)
        )
    return page_and_end(world, case, Reason(outcome.reason), outcome.summary)


def _worse(world: World, case: Case, found: Progress, outcome: Outcome, records: tuple[Record, ...]) -> Advance:
    if found.undoing:
        told = f"the undo of {found.undoing[:12]} made it worse: {outcome.summary}; the machine does not revert a revert"
        return page_and_end(world, case, Reason.ESCALATED, told).plus(*records)
    undoing = dataclasses.replace(found, undo_reason=outcome.summary)
    return Advance(step(case, Stage.UNDO, undoing, world.clock.now(), Reason.WORSE, outcome.summary), records)


def _after_undo(world: World, case: Case, found: Progress, outcome: Outcome) -> Advance:
    """The undo is verified; if the first trouble is still there another candidate may be tried."""
    now = world.clock.now()
    tried = found.attempts + 1
    if outcome.state is not OutcomeState.BETTER:
        return page_and_end(world, case, Reason.ESCALATED, f"undone, but: {outcome.summary}")
    if tried >= REPAIRS:
        return page_and_end(world, case, Reason.REVERTED, f"undone; {tried} repairs did not help: {outcome.summary}")
    fresh = Progress(found.incident, attempts=tried, refused=found.refused)
    return Advance(step(case, Stage.TRIAGE, fresh, now, Reason.REVERTED, f"undone and remembered: {outcome.summary}"))
