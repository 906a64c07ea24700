"""How a case ends, waits or fails: in one place, so that nothing ends without its record and, where due, a page."""

from __future__ import annotations

import dataclasses

from reconciler.audit.facts import outcome_record
from reconciler.errors import HomeostatError, Misconfigured, Retryable, Tampered
from reconciler.model.cases import Case, Stage
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.pulls import PullState
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.steps.progress import progress, step
from reconciler.steps.world import Advance, World

MAX_RETRIES = 20  # of one step; with back-off this is about a quarter of an hour
MAX_WAIT_MS = 60_000
STUCK_MS = 30_000  # between two looks at documents that do not load
LANDED = (Stage.APPLY, Stage.GUARD, Stage.SOAK)  # the commit in hand is on the branch


def quiet_end(world: World, case: Case, reason: Reason, detail: str) -> Advance:
    """The case is over and nobody has to do anything."""
    found = progress(case)
    now = world.clock.now()
    payload = {"reason": reason.value, "detail": detail, "stage": case.stage.value, "pull": found.pull}
    record = world.record(RecordKind.CLOSED, case.id, payload, subject=case.id, incident=case.id)
    return Advance(step(case, Stage.DONE, found, now, reason, detail), (record,))


def page_and_end(world: World, case: Case, reason: Reason, detail: str) -> Advance:
    """The case is over and a person has to look. The page is sent first: twice is better than never."""
    title = f"{case.id}: {reason.value}"
    world.notifier.page(f"{case.id}/{reason.value}", title, detail, world.url(f"/incidents/{case.id}"))
    return quiet_end(world, case, reason, detail)


def later(world: World, case: Case, error: Retryable) -> Advance:
    """The world was in the way: the same step again, later each time, not for ever."""
    if case.attempts >= MAX_RETRIES:
        return page_and_end(world, case, Reason.ERROR, f"{case.stage.value} failed {case.attempts} times: {error}")
    wait = min(MAX_WAIT_MS, error.after_ms * 2 ** min(case.attempts, 6))
    waiting = dataclasses.replace(
        case, due_ms=world.clock.now() + wait, attempts=case.attempts + 1, reason=Reason.ERROR.value, detail=str(error)
    )
    return Advance(waiting)


def stuck(world: World, case: Case, error: Misconfigured) -> Advance:
    """A document or setting is wrong: the same step again once a person has mended it, who is paged once."""
    title = f"{case.id} waits at {case.stage.value} for a mended document"
    world.notifier.page(f"{case.id}/{case.stage.value}/stuck", title, str(error), world.url(f"/incidents/{case.id}"))
    return Advance(
        dataclasses.replace(
            case,
            due_ms=world.clock.now() + STUCK_MS,
            reason=Reason.POLICY_ERROR.value,
            detail=str(error),
            attempts=case.attempts + 1,
        )
    )


def failed(world: World, case: Case, error: HomeostatError) -> Advance:
    """No repetition can help: the case ends with a page. What does not prove itself is an alarm on record, too."""
    ended = page_and_end(world, case, Reason.ERROR, f"{case.stage.value}: {error}")
    if not isinstance(error, Tampered):
        _close_pull(world, progress(case).pull)
        return ended
    key = f"{case.id}/{case.stage.value}"
    return ended.plus(world.record(RecordKind.ALARM, key, {"tampered": str(error)}, subject=case.id, incident=case.id))


def set_aside(world: World, case: Case) -> Advance:
    """A row that this release cannot read is over: kept as it is for people, who are told once, and in nobody's way.

    What it landed is no loss: the log knows every merge without an outcome, and makes a case of it again.
    """
    detail = "this release cannot read its row in the store, which is kept: another release wrote it, or the disk failed"
    title = f"{case.id}: unreadable"
    world.notifier.page(f"{case.id}/unreadable", title, detail, world.url(f"/incidents/{case.id}"))
    pulls = [pull.number for pull in world.forge.list(PullState.OPEN.value) if pull.narrative.incident == case.id]
    for number in pulls:
        _close_pull(world, number)
    world.cursor.recovered = False
    payload = {"reason": Reason.ERROR.value, "detail": detail, "stage": case.stage.value, "pull": max(pulls, default=0)}
    record = world.record(RecordKind.CLOSED, case.id, payload, subject=case.id, incident=case.id)
    ended = dataclasses.replace(
        case, stage=Stage.DONE, due_ms=world.clock.now(), reason=Reason.ERROR.value, detail=detail, attempts=0
    )
    return Advance(ended, (record,))


def _close_pull(world: World, number: int) -> None:
    """A pull request whose case is over waits for nobody, and must not count as one that does."""
    pull = world.forge.get(number) if number else None
    if pull is not None and pull.state is PullState.OPEN:
        world.forge.close(number, "its case failed; the page says why")


def settled(world: World, before: Case, done: Advance) -> Advance:
    """The same, with an outcome for a landed repair that its case leaves without one: unknown, or worse when the guard said
    so. Otherwise its failure domain would wait for an outcome that nobody looks for any more.
    """
    commit = _landed(before) if done.case.stage is Stage.DONE else ""
    if not commit:
        return done
    world.publish()  # what earlier steps of this turn have said counts, too
    ledger = world.ledger.facts()
    if commit in ledger.reverted:
        return done
    told = [(fact.value.stage, fact.value.state) for fact in ledger.outcomes.get(commit, ())]
    ours = [r.payload for r in done.records if r.kind is RecordKind.OUTCOME and r.subject == commit]
    told += [(str(said["stage"]), OutcomeState(str(said["state"]))) for said in ours]
    if any(stage == "outcome" for stage, _ in told):
        return done
    state = OutcomeState.WORSE if ("guard", OutcomeState.WORSE) in told else OutcomeState.UNKNOWN
    why = f"its case ended at {before.stage.value}: {done.case.detail}"
    outcome = Outcome(commit, "outcome", state, done.case.reason, (), world.clock.now(), why)
    return dataclasses.replace(done, records=(*done.records, outcome_record(outcome, world.clock.stamp(), before.id)))


def _landed(case: Case) -> str:
    """The machine commit on the branch whose effect this case was to judge, "" when there is none."""
    found = progress(case)
    if case.stage in LANDED:
        return found.head
    return found.undoing or (found.head if case.stage is Stage.UNDO else "")
