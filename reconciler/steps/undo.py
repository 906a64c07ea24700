"""Undo: the inverse of the machine's own commit, as an ordinary pull request on the fast lane."""

from __future__ import annotations

import dataclasses

from reconciler.model.cases import Case, Stage
from reconciler.model.proposals import Refusal
from reconciler.model.reasons import Reason
from reconciler.proposals import undo as inverse_of
from reconciler.steps.candidates import commit_of
from reconciler.steps.endings import page_and_end, quiet_end
from reconciler.steps.progress import progress, step
from reconciler.steps.world import Advance, World


def undo(world: World, case: Case) -> Advance:
    """UNDO: to OPEN with the inverse in hand, or to DONE."""
    found = progress(case)
    repaired = found.repaired or found.proposal
    commit = found.undoing or found.head
    if repaired is None or not commit:
        return page_and_end(world, case, Reason.ESCALATED, "there is nothing to undo")
    if commit in world.ledger.facts().reverted:
        return quiet_end(world, case, Reason.REVERTED, f"{commit[:12]} is undone already")
    candidate = inverse_of(repaired, commit, world.head(), world.repo, found.harm)
    if isinstance(candidate, Refusal):
        if candidate.reason == Reason.NO_CHANGE.value:
            return quiet_end(world, case, Reason.REVERTED, candidate.detail)
        return page_and_end(world, case, Reason.ESCALATED, f"cannot be undone by itself: {candidate.detail}")
    now = world.clock.now()
    built = commit_of(world, world.rulebook(), world.head(), candidate.proposal, candidate.files, now)
    found = dataclasses.replace(
        found, repaired=repaired, undoing=commit, proposal=candidate.proposal, head=built.head, decided_ms=now,
        pull=0, ballots=(), verdict="", applied_ms=0, blind_ms=0,
    )  # fmt: skip
    return Advance(step(case, Stage.OPEN, found, now, Reason.WORSE, f"undoing {commit[:12]}: {found.undo_reason}"))
