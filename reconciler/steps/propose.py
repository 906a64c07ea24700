"""Propose: the smallest edit that would help. A candidate that policy denies makes room for the next, smaller one.

Nothing is opened here: the commit exists as an object, no ref moves. In shadow the case ends with a record of what
would have been done, and a page. "Do nothing" is always the last candidate.
"""

from __future__ import annotations

import dataclasses

from reconciler.model.canonical import digest
from reconciler.model.cases import Case, Stage
from reconciler.model.judging import Effect
from reconciler.model.pulls import PullState
from reconciler.model.reasons import Reason
from reconciler.model.records import Record, RecordKind
from reconciler.policy.facts import MACHINE
from reconciler.proposals import Candidate, Proposed, Situation, memory
from reconciler.proposals import propose as find_candidates
from reconciler.steps.candidates import commit_of, decide
from reconciler.steps.endings import page_and_end
from reconciler.steps.progress import Progress, progress, step
from reconciler.steps.rejected import rejected
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.triage import LOOK_AGAIN_MS
from reconciler.steps.world import Advance, World


def propose(world: World, case: Case) -> Advance:
    """PROPOSE: to OPEN with a candidate in hand, to DONE with a page, or wait for room."""
    found = progress(case)
    now = world.clock.now()
    rules = world.rulebook()
    if _crowded(world, rules):
        world.meters.blocked("open-pull-requests")
        return Advance(step(case, Stage.PROPOSE, found, now + LOOK_AGAIN_MS, Reason.RATE, "too many pull requests are open"))
    situation = _situation(world, rules, found, now)
    proposed = find_candidates(situation, rules.playbooks, world.repo, world.telemetry)
    records = [
        world.record(RecordKind.REFUSAL, f"{case.id}/{now}/{digest(refusal)[7:23]}", refusal, incident=case.id, subject=case.id)
        for refusal in dict.fromkeys(proposed.refusals)
    ]
    for candidate in proposed.candidates:
        if candidate.proposal.is_nothing:
            return page_and_end(world, case, Reason.DO_NOTHING, _page(candidate, found, proposed)).plus(*records)
        advance = _try(world, case, rules, dataclasses.replace(found, decided_ms=now), candidate, records)
        if advance is not None:
            return advance
    return page_and_end(world, case, Reason.DO_NOTHING, "no candidate was left").plus(*records)


def _crowded(world: World, rules: Rulebook) -> bool:
    mine = [p for p in world.forge.list(PullState.OPEN.value) if p.author == MACHINE]
    return len(mine) >= rules.installation.spec.grouping.max_pull_requests


def _situation(world: World, rules: Rulebook, found: Progress, now: int) -> Situation:
    ledger = world.ledger.facts()
    if found.diagnosis is None:
        raise ValueError("a case is proposed for only after it was diagnosed")
    cools = {p.name: p.spec.cool_down_seconds * 1_000 for p in rules.playbooks}
    cooling = {
        (f.value.playbook, f.value.component): f.clock_ms + cools.get(f.value.playbook, 0)
        for f in ledger.spending(now - 86_400_000)
    }
    return Situation(
        incident=found.incident,
        diagnosis=found.diagnosis,
        revision=world.head(),
        units=rules.units,
        topology=world.telemetry.topology(),
        now_ms=now,
        remembered=frozenset(ledger.remembered),
        rejected=rejected(rules, ledger, now),
        refused=frozenset(found.refused),
        cooling=cooling,
    )


def _try(
    world: World, case: Case, rules: Rulebook, found: Progress, candidate: Candidate, records: list[Record]
) -> Advance | None:
    """The case with this candidate in hand, or None when policy denies it; the refusal is then among the records."""
    proposal = candidate.proposal
    built = commit_of(world, rules, world.head(), proposal, candidate.files, found.decided_ms)
    _, _, decision = decide(world, rules, built, proposal)
    records.append(
        world.record(
            RecordKind.PROPOSAL,
            f"{case.id}/{found.decided_ms}/{proposal.patch}",
            {
                "proposal": proposal,
                "head": built.head,
                "effect": decision.effect,
                "reason": decision.reason,
                "memory": memory(proposal),
            },
            subject=built.head,
            incident=case.id,
        )
    )
    if decision.effect is Effect.DENY:
        world.meters.blocked(decision.reason)
        return None
    if decision.effect is Effect.SHADOW:
        text = f"in shadow ({decision.rule}): would propose {proposal.title}"
        return page_and_end(world, case, Reason.AUTONOMY, text).plus(*records)
    found = dataclasses.replace(found, proposal=proposal, head=built.head, ballots=(), pull=0, verdict="")
    return Advance(step(case, Stage.OPEN, found, world.clock.now(), Reason.OK, proposal.title), tuple(records))


def _page(nothing: Candidate, found: Progress, proposed: Proposed) -> str:
    """Why a person is needed; where a person's no left nothing to propose, also whose."""
    told = found.diagnosis.summary if found.diagnosis else ""
    noes = [refusal.detail for refusal in proposed.refusals if refusal.reason == Reason.REJECTED.value]
    left = ["nothing else is left to propose"] if noes else []
    return "; ".join((nothing.proposal.title, told, *dict.fromkeys(noes), *left))
