"""Land: exactly the judged head, by compare-and-swap, and only after its verdict is in a signed checkpoint.

1. Publish; find the signed verdict for exactly this head. None: judge again.
2. Look again at what may have changed since: the branch, a brake. Changed: judge again.
3. Land. A stale compare: judge again. Landed, now or in a life before a crash: the merge is recorded.
"""

from __future__ import annotations

import dataclasses

from reconciler.audit.facts import Merge, merge_record
from reconciler.model import canonical
from reconciler.model.cases import Case, Stage
from reconciler.model.proposals import Proposal
from reconciler.model.pulls import PullRequest, PullState
from reconciler.model.reasons import Reason
from reconciler.policy import MACHINE
from reconciler.steps.progress import Progress, progress, step
from reconciler.steps.world import Advance, World


def land(world: World, case: Case) -> Advance:
    """LAND: to APPLY, or back to JUDGE."""
    found = progress(case)
    now = world.clock.now()
    pull = world.forge.get(found.pull)
    if pull is None or found.proposal is None:
        return Advance(step(case, Stage.JUDGE, found, now, Reason.HEAD_MOVED, "the pull request is gone"))
    world.publish()  # 1
    verdict = world.recorded_verdict(pull.head)
    if verdict is None:
        return Advance(step(case, Stage.JUDGE, found, now, Reason.UNVERDICTED, "no signed verdict lets this head land"))
    if pull.state is PullState.OPEN and (why := _changed(world, pull)):  # 2
        return Advance(step(case, Stage.JUDGE, found, now, Reason.BASE_MOVED, why))
    by = ", ".join(verdict.verdict.approvers) or MACHINE
    landed = world.forge.land(pull.number, pull.head, pull.base, by)  # 3
    if not landed.ok:
        return Advance(step(case, Stage.JUDGE, found, now, landed.reason, "something moved while landing"))
    merge = _merge(world, pull, found.proposal, verdict.record, by)
    found = dataclasses.replace(found, head=landed.commit, merged_ms=now)
    done = step(case, Stage.APPLY, found, now, Reason.MERGED, f"{landed.commit[:12]} landed by {by}")
    return Advance(done, (merge_record(merge, world.clock.stamp(), case.id),))


def _changed(world: World, pull: PullRequest) -> str:
    if world.head() != pull.base or world.not_followed():
        return f"{world.branch} moved"
    if world.ledger.facts().braked(world.clock.now()):
        return "a brake was put on"
    return ""


def _merge(world: World, pull: PullRequest, proposal: Proposal, verdict: str, by: str) -> Merge:
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


__all__ = ["Progress", "land"]
