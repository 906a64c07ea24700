"""Judge: two independent judges about exactly this head; deny wins. Every verdict that differs from the last is recorded.

When the base moved, the commit is rebuilt on it: the same patch with the same trees keeps its ballots and reviews, and
policy is asked again; anything else is voted on anew. What does not fit any more goes back to be proposed again.
"""

from __future__ import annotations

import dataclasses

from reconciler.audit.facts import verdict_record
from reconciler.changes.building import Built, Rebuilt, built_of, rebuild
from reconciler.changes.verdict import verdict as compose
from reconciler.consensus.decision import decide as consensus_decide
from reconciler.consensus.decision import not_applicable
from reconciler.diagnosis import ended
from reconciler.errors import Misconfigured
from reconciler.model.cases import Case, Stage
from reconciler.model.judging import Ballot, Decision, Effect, Subject, Verdict
from reconciler.model.proposals import Proposal
from reconciler.model.pulls import PullRequest, PullState
from reconciler.model.reasons import Reason
from reconciler.model.records import Record, RecordKind
from reconciler.policy.bench import make_bench
from reconciler.ports.voter import PastCase, Question
from reconciler.steps.candidates import author, decide, files_of
from reconciler.steps.endings import page_and_end, quiet_end
from reconciler.steps.foreseeing import abandoned, present
from reconciler.steps.gather import Gathered, gather
from reconciler.steps.progress import Progress, progress, step
from reconciler.steps.rejected import rejected_by
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.world import Advance, World

VOTES_LAST_MS = 300_000
CONVERGED_MS = 1_000
BLIND_LOOKS = 10  # five minutes of them, then a person is told
LOOK_AGAIN_MS = 30_000  # a review wakes the case at once; this is for windows, brakes and budgets


def judge(world: World, case: Case) -> Advance:
    """JUDGE: to LAND, wait for a person or a window, or make room for the next candidate."""
    found = progress(case)
    pull = world.forge.get(found.pull)
    if pull is None or found.proposal is None:
        again = dataclasses.replace(found, pull=0)
        return Advance(step(case, Stage.OPEN, again, world.clock.now(), Reason.HEAD_MOVED, "the pull request is gone"))
    if pull.state is PullState.MERGED:
        return Advance(step(case, Stage.LAND, found, world.clock.now(), Reason.MERGED, f"pull request {pull.number} has landed"))
    if pull.state is PullState.CLOSED:
        return quiet_end(world, case, Reason.CLOSED, f"pull request {pull.number} was closed: {pull.note}")
    if why := world.not_followed():  # what landed there could not be applied, and its rules are nobody's
        told = f"{world.branch} is not followed, so nothing may merge: {why}"
        return Advance(step(case, Stage.JUDGE, found, world.clock.now() + LOOK_AGAIN_MS, Reason.NOT_ADMITTED, told))
    if pull.base != world.head():
        return _rebuilt(world, case, found, pull)
    return _judged(world, case, dataclasses.replace(found, head=pull.head), pull)


def _judged(world: World, case: Case, found: Progress, pull: PullRequest) -> Advance:
    proposal = found.proposal
    if proposal is None:
        raise ValueError("judged without a proposal")
    now = world.clock.now()
    if pull.base != world.cursor.applied:  # a person's revert on it places its hold first
        told = f"{pull.base[:12]} is not converged yet"
        return Advance(step(case, Stage.JUDGE, found, now + CONVERGED_MS, Reason.BASE_MOVED, told))
    world.publish()  # what landed a moment ago counts against budgets and domains
    built = built_of(pull)
    try:
        rules = world.rulebook()
    except Misconfigured as error:
        detail = f"the rules of {world.branch} do not load, so nothing may merge: {error}"
        return Advance(step(case, Stage.JUDGE, found, now + LOOK_AGAIN_MS, Reason.POLICY_ERROR, detail))
    gathered = gather(world, rules, built, proposal, pull, bool(found.diagnosis and found.diagnosis.cascading))
    subject, gathered, policy = decide(world, rules, built, proposal, gathered)
    ballots = found.ballots if _fresh(found.ballots, subject, now) else votes(world, rules, found, subject, now)
    consensus = consensus_of(rules, subject, ballots, gathered, proposal, now)
    approvers = make_bench(subject, proposal, gathered.facts, rules.policy).approvers
    verdict = compose(subject, (policy, consensus), now, approvers)
    found = dataclasses.replace(found, ballots=ballots)
    over = verdict.effect is Effect.MERGE or abandoned(world, found.incident)
    if over and not approvers and not found.undoing and (gone := _gone(world, case, found, pull)):
        return gone
    records: tuple[Record, ...] = ()
    if _differs(world, verdict):
        made = verdict_record(verdict, world.clock.stamp(), case.id)
        records = (_inputs(world, case, made, proposal, gathered, ballots), made)
        world.meters.verdict(verdict.effect.value, verdict.reason)
        found = dataclasses.replace(found, verdict=made.key)
        world.forge.show_verdict(pull.number, verdict, made.id)
    return _next(world, case, found, pull, verdict).plus(*records)


def _gone(world: World, case: Case, found: Progress, pull: PullRequest) -> Advance | None:
    """Before the machine merges by itself, perhaps after hours of waiting, and once nobody claims it any more: is it still
    true? None when it is.
    """
    now = world.clock.now()
    presence = present(world, found.incident)
    if presence.present:
        return None
    if presence.reason is not Reason.STALE:
        if case.reason == Reason.BLIND.value and case.attempts >= BLIND_LOOKS:
            title = f"pull request {pull.number} would merge, and nobody sees whether the trouble is still there"
            world.notifier.page(f"blind/{pull.number}", title, presence.detail, world.url(f"/pr/{pull.number}"))
        return Advance(step(case, Stage.JUDGE, found, now + LOOK_AGAIN_MS, Reason.BLIND, presence.detail))
    world.forge.close(pull.number, f"the trouble is over: {presence.detail}")
    return quiet_end(world, case, Reason.STALE, presence.detail)


def _next(world: World, case: Case, found: Progress, pull: PullRequest, verdict: Verdict) -> Advance:
    now = world.clock.now()
    told = f"pull request {pull.number}: {verdict.effect.value} ({verdict.reason})"
    if over := ended(found.incident):
        told = f"{told}; {over}"
    if verdict.effect is Effect.MERGE:
        return Advance(step(case, Stage.LAND, found, now, verdict.reason, told))
    for row in verdict.requirements:
        if not row.passes:
            world.meters.blocked(row.name)
    if verdict.effect is Effect.DENY:
        return _denied(world, case, found, pull, verdict.reason, told)
    if verdict.effect is Effect.REVIEW and case.reason != verdict.reason:
        world.notifier.page(
            f"review/{pull.number}",
            f"pull request {pull.number} waits for a person",
            pull.narrative.title,
            world.url(f"/pr/{pull.number}"),
        )
    again = min((d.again_ms for d in verdict.decisions if d.again_ms > now), default=now + LOOK_AGAIN_MS)
    return Advance(step(case, Stage.JUDGE, found, min(again, now + LOOK_AGAIN_MS), verdict.reason, told))


def _denied(world: World, case: Case, found: Progress, pull: PullRequest, reason: str, told: str) -> Advance:
    world.forge.close(pull.number, f"denied: {reason}")
    if found.undoing:
        return page_and_end(world, case, Reason.ESCALATED, f"the undo of {found.undoing[:12]} was denied: {reason}")
    refused = (*found.refused, pull.patch)
    left = dataclasses.replace(found, refused=refused, proposal=None, head="", pull=0, ballots=(), verdict="")
    return Advance(step(case, Stage.PROPOSE, left, world.clock.now(), reason, f"{told}; looking for a smaller one"))


def votes(world: World, rules: Rulebook, found: Progress, subject: Subject, now: int) -> tuple[Ballot, ...]:
    """One ballot of each voter; the fast lane asks nobody."""
    if found.proposal is None or found.proposal.is_revert_of or found.diagnosis is None:
        return ()
    past = tuple(past_cases(world))
    question = Question(subject, found.incident, found.diagnosis, found.proposal, world.telemetry.topology(), past, now)
    asked = {group.name for group in rules.quorum.spec.groups}  # who is in no group has no vote, and is not heard
    return tuple(voter.vote(question) for voter in world.voters if voter.group in asked)


def past_cases(world: World) -> list[PastCase]:
    """Every repair whose outcome is known, from the log."""
    ledger = world.ledger.facts()
    return [
        PastCase(m.value.playbook, m.value.component, m.value.patch, outcomes[-1].value)
        for commit, outcomes in ledger.outcomes.items()
        if (m := ledger.merges.get(commit)) and not m.value.reverts
    ]


def consensus_of(
    rules: Rulebook, subject: Subject, ballots: tuple[Ballot, ...], gathered: Gathered, proposal: Proposal, now: int
) -> Decision:
    """The second judge; not applicable for the proved inverse of the machine's own commit."""
    if proposal.is_revert_of and gathered.facts.inverse_of == proposal.is_revert_of:
        return not_applicable(rules.quorum_place)
    reviews = [r for r in gathered.reviews if _may_approve(rules, r.principal, gathered)]
    return consensus_decide(subject, ballots, rules.quorum, reviews, ("proposer",), now, rules.quorum_place)


def _may_approve(rules: Rulebook, principal: str, gathered: Gathered) -> bool:
    from reconciler.documents.trust import Role

    return rules.people.may(principal, Role.APPROVE, gathered.facts.units)


def _fresh(ballots: tuple[Ballot, ...], subject: Subject, now: int) -> bool:
    """About this edit, and not so old that they are about to count nothing."""
    return bool(ballots) and all((b.patch, b.trees) == subject.edit and now < b.cast_ms + VOTES_LAST_MS for b in ballots)


def _differs(world: World, verdict: Verdict) -> bool:
    """Whether this says anything that the last verdict on record about this head does not."""
    last = world.ledger.facts().verdict(verdict.subject.head)
    pending = [r for r in world.store.outbox() if r.kind is RecordKind.VERDICT and r.subject == verdict.subject.head]
    if pending:
        return pending[-1].payload.get("effect") != verdict.effect.value or pending[-1].payload.get("reason") != verdict.reason
    return last is None or _gist(last.value) != _gist(verdict)


def _gist(verdict: Verdict) -> object:
    rows = [(r.name, r.status, r.reason) for r in verdict.requirements]
    return (verdict.subject, verdict.effect, verdict.reason, verdict.approvers, rows)


def _inputs(
    world: World, case: Case, made: Record, proposal: Proposal, gathered: Gathered, ballots: tuple[Ballot, ...]
) -> Record:
    """Everything the judges were given, so that `replay` can ask them again."""
    payload = {"verdict": made.id, "proposal": proposal, "facts": gathered.facts, "ballots": ballots, "reviews": gathered.reviews}
    return world.record(RecordKind.BALLOTS, made.key, payload, subject=made.subject, incident=case.id)


def _rebuilt(world: World, case: Case, found: Progress, pull: PullRequest) -> Advance:
    proposal = found.proposal
    if proposal is None:
        raise ValueError("rebuilt without a proposal")
    now, head = world.clock.now(), world.head()
    files = files_of(world, pull.base, pull.head)
    result = rebuild(world.repo, built_of(pull), head, proposal, files, world.rulebook().units, author(world, now))
    if not isinstance(result, Rebuilt):
        world.forge.close(pull.number, f"the base moved and the edit does not fit any more: {result.detail}")
        left = dataclasses.replace(found, proposal=None, head="", pull=0, ballots=(), verdict="")
        stage = Stage.UNDO if found.undoing else Stage.TRIAGE
        return Advance(step(case, stage, left, now, Reason.BASE_MOVED, result.detail))
    built: Built = result.built
    if not result.same_edit and (by := rejected_by(world.rulebook(), world.ledger.facts(), pull)):
        told = f"{by} rejected pull request {pull.number} before the base moved"
        return _denied(world, case, found, pull, Reason.REJECTED, told)
    world.forge.rebuild(pull.number, built.base, built.head, built.patch, built.trees)
    kept = found.ballots if result.same_edit else ()
    found = dataclasses.replace(found, head=built.head, ballots=kept, verdict="", decided_ms=now)
    told = "the base moved: same edit, votes and reviews kept" if result.same_edit else "the base moved: voted on anew"
    return Advance(step(case, Stage.JUDGE, found, now, Reason.BASE_MOVED, told))
