"""Land: exactly the judged head, by compare-and-swap, and only after its verdict is in a signed checkpoint.

1. Publish; find the signed verdict for exactly this head. None: judge again.
2. Ask policy once more, about the world as it is now: a rejection, hold, brake, freeze or spent budget since. Not the
   same answer: judge again.
3. Land. A stale compare (also a review in this very moment): judge again; a branch that others took: the pull request
   is over. Landed, now or in a life before a crash: the merge is recorded.
"""

from __future__ import annotations

import dataclasses

from reconciler.audit.facts import Merge, merge_record
from reconciler.changes.building import built_of
from reconciler.model import canonical
from reconciler.model.cases import Case, Stage
from reconciler.model.judging import Effect
from reconciler.model.proposals import Proposal
from reconciler.model.pulls import PullRequest, PullState
from reconciler.model.reasons import Reason
from reconciler.policy.facts import MACHINE
from reconciler.steps.candidates import decide
from reconciler.steps.gather import gather
from reconciler.steps.observe import wrong_before
from reconciler.steps.progress import Progress, progress, step
from reconciler.steps.world import Advance, World

LOOK_AGAIN_MS = 30_000


def land(world: World, case: Case) -> Advance:
    """LAND: to APPLY, or back to JUDGE."""
    found = progress(case)
    now = world.clock.now()
    world.publish()  # 1
    pull = world.forge.get(found.pull)
    if pull is None or found.proposal is None:
        return Advance(step(case, Stage.JUDGE, found, now, Reason.HEAD_MOVED, "the pull request is gone"))
    verdict = world.recorded_verdict(pull.head)
    if verdict is None:
        return Advance(step(case, Stage.JUDGE, found, now, Reason.UNVERDICTED, "no signed verdict lets this head land"))
    if pull.state is PullState.OPEN and (why := _changed(world, found, pull, found.proposal)):  # 2
        return Advance(step(case, Stage.JUDGE, found, now, Reason.BASE_MOVED, why))
    by = ", ".join(verdict.verdict.approvers) or MACHINE
    known = found.known if pull.state is PullState.MERGED else wrong_before(world, found)
    landed = world.forge.land(pull, by)  # 3
    if landed.reason is Reason.HEAD_MOVED:
        return _taken(world, case, found, pull)
    if not landed.ok:
        return Advance(step(case, Stage.JUDGE, found, now, landed.reason, "something moved while landing"))
    merge = merge_of(world, pull, found.proposal, verdict.record, by)
    found = dataclasses.replace(found, head=landed.commit, merged_ms=now, known=known)
    done = step(case, Stage.APPLY, found, now, Reason.MERGED, f"{landed.commit[:12]} landed by {by}")
    return Advance(done, (merge_record(merge, world.clock.stamp(), case.id),))


def _changed(world: World, found: Progress, pull: PullRequest, proposal: Proposal) -> str:
    if world.head() != pull.base or world.not_followed():
        return f"{world.branch} moved"
    rules, built = world.rulebook(), built_of(pull)
    cascading = bool(found.diagnosis and found.diagnosis.cascading)
    _, _, policy = decide(world, rules, built, proposal, gather(world, rules, built, proposal, pull, cascading))
    return "" if policy.effect is Effect.MERGE else f"policy says {policy.effect.value} now ({policy.reason})"


def _taken(world: World, case: Case, found: Progress, pull: PullRequest) -> Advance:
    """Others pushed to the source branch or deleted it: judging again could not help, so it starts over, later."""
    told = f"{pull.source} was pushed to or deleted by others"
    world.forge.close(pull.number, told)
    left = dataclasses.replace(found, proposal=None, head="", pull=0, ballots=(), verdict="")
    stage = Stage.UNDO if found.undoing else Stage.TRIAGE
    return Advance(step(case, stage, left, world.clock.now() + LOOK_AGAIN_MS, Reason.HEAD_MOVED, told))


def merge_of(world: World, pull: PullRequest, proposal: Proposal, verdict: str, by: str) -> Merge:
    """What is put on record about a landing."""
    plain = canonical.plain(proposal)
    return Merge(
        repository=world.repository,
        branch=world.branch,
        commit=pull.head,
        base=pull.base,
        verdict=verdict,
        by=by,
        machine=True,
        number=pull.number,
        patch=proposal.patch,
        playbook=proposal.playbook,
        component=proposal.component,
        units=proposal.blast.units,
        fingerprint=proposal.fingerprint,
        reverts=proposal.is_revert_of,
        proposal=plain if isinstance(plain, dict) else {},
    )


__all__ = ["Progress", "land", "merge_of"]
