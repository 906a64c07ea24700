"""Judging again on request: what both judges say about a pull request now. Records nothing, lands nothing."""

from __future__ import annotations

from reconciler.changes.building import built_of
from reconciler.commands.reviews import find
from reconciler.errors import Permanent
from reconciler.model.judging import Decision
from reconciler.model.pulls import PullRequest, PullState
from reconciler.steps.candidates import decide
from reconciler.steps.gather import gather
from reconciler.steps.judge import consensus_of, votes
from reconciler.steps.progress import Progress, progress, readable
from reconciler.steps.world import World


def judged(world: World, number: int) -> tuple[Decision, ...]:
    """Policy, then consensus: asked anew while the pull request is open, from the record of its verdict afterwards."""
    pull = find(world, number)
    found = _progress(world, pull) if pull.state is PullState.OPEN else None
    if found is not None and found.proposal is not None:
        return _anew(world, pull, found)
    recorded = world.ledger.facts().verdict(pull.head)
    if recorded is None:
        raise Permanent(f"nothing has judged pull request {number} yet", next_step=f"homeostat pr show {number}")
    return recorded.value.decisions


def _progress(world: World, pull: PullRequest) -> Progress | None:
    cases = (case for case in world.store.cases(open_only=True) if case.data.get("pull") == pull.number and readable(case))
    return next((progress(case) for case in cases), None)


def _anew(world: World, pull: PullRequest, found: Progress) -> tuple[Decision, ...]:
    proposal = found.proposal
    if proposal is None:
        raise ValueError("judged without a proposal")
    now, rules, built = world.clock.now(), world.rulebook(), built_of(pull)
    gathered = gather(world, rules, built, proposal, pull, bool(found.diagnosis and found.diagnosis.cascading))
    subject, gathered, policy = decide(world, rules, built, proposal, gathered)
    ballots = found.ballots or votes(world, rules, found, subject, now)
    return policy, consensus_of(rules, subject, ballots, gathered, proposal, now)
