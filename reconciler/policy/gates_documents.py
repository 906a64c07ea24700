"""Gates that a repository's own MergePolicy documents ask for, beyond the built-in ones. They can only ask for more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from reconciler.documents.loader import Loaded
from reconciler.documents.merge_policy import MergePolicy, Requirements
from reconciler.expressions import Evaluation
from reconciler.model.judging import Effect, Status
from reconciler.model.objectives import Budget
from reconciler.model.proposals import Proposal
from reconciler.model.reasons import Reason
from reconciler.policy.bench import Bench, Finding, Rule
from reconciler.policy.gates_danger import in_force, share
from reconciler.policy.gates_pace import in_maintenance
from reconciler.policy.rules import fits

_HOUR_MS = 3_600_000


def merge_policies(bench: Bench) -> Iterator[Finding]:
    """Every line of every MergePolicy that is about this repair. Not for the fast lane, not for people's edits."""
    if bench.proposal is None or bench.fast_lane:
        return
    for item in bench.rules.merge_policies:
        if fits(item.document.spec.match, bench.playbook, bench.units, bench.facts.paths, bench.cause):
            yield from _policy(bench, bench.proposal, item)


def _policy(bench: Bench, proposal: Proposal, item: Loaded[MergePolicy]) -> Iterator[Finding]:
    need = item.document.spec.require
    if need.min_confidence is not None:
        yield _confidence(bench, proposal, item, need.min_confidence)
    yield from _conditions(bench, proposal, item)
    yield from _reviewers(bench, item, need)


def _confidence(bench: Bench, proposal: Proposal, item: Loaded[MergePolicy], least: Decimal) -> Finding:
    rule = Rule(
        f"confidence/{item.name}",
        f"confidence is at least {least}",
        Reason.LOW_CONFIDENCE,
        "an approval by a person",
        document=item.at("spec", "require", "minConfidence"),
        person=True,
    )
    return bench.finding(rule, ok=share(proposal.confidence) >= least, values=(("confidence", proposal.confidence),))


def _conditions(bench: Bench, proposal: Proposal, item: Loaded[MergePolicy]) -> Iterator[Finding]:
    for index, condition in enumerate(item.document.spec.require.conditions):
        result = bench.rules.condition(item.name, condition.name).evaluate(variables(bench, proposal))
        rule = Rule(
            f"policy/{item.name}/{condition.name}",
            condition.expression,
            Reason.POLICY_ERROR if result.error else Reason.DENIED,
            result.error or condition.message or "the condition to be true",
            Effect.DENY if result.error or not condition.person else Effect.REVIEW,
            document=item.at("spec", "require", "conditions", index),
            person=condition.person and not result.error,
            hard=bool(result.error),
        )
        yield _with_error(bench.finding(rule, ok=result.passed, values=result.values), result)


def _with_error(finding: Finding, result: Evaluation) -> Finding:
    """A condition that could not be evaluated is shown as an error, not as a plain no."""
    return replace(finding, requirement=replace(finding.requirement, status=Status.ERROR)) if result.error else finding


def _reviewers(bench: Bench, item: Loaded[MergePolicy], need: Requirements) -> Iterator[Finding]:
    if need.reviewers:
        rule = _asks(bench, f"reviewers/{item.name}", f"{need.reviewers} people approve", item.at("spec", "require", "reviewers"))
        values = (("approved by", ", ".join(bench.approvers) or "nobody"),)
        yield bench.finding(rule, ok=len(bench.approvers) >= need.reviewers, values=values)
    for index, group in enumerate(need.groups):
        rule = _asks(
            bench, f"group/{item.name}/{group}", f"someone of {group} approves", item.at("spec", "require", "groups", index)
        )
        members = [name for name in bench.approvers if bench.rules.people.in_group(name, group)]
        yield bench.finding(rule, ok=bool(members), values=(("approved by", ", ".join(members) or "nobody"),))


def _asks(bench: Bench, name: str, expression: str, place: str) -> Rule:
    # Not `person`: one approval must not stand in for the second one that the rule asks for.
    return Rule(
        name, expression, Reason.NEEDS_PERSON, "more approvals", document=place, command=f"homeostat pr approve {bench.number}"
    )


def variables(bench: Bench, proposal: Proposal) -> Mapping[str, object]:
    """What conditions can ask about; the names and types are documents.merge_policy.CONDITION_VARIABLES."""
    facts, blast = bench.facts, proposal.blast
    return {
        "playbook": proposal.playbook,
        "cause": proposal.cause,
        "component": proposal.component,
        "confidence": float(share(proposal.confidence)),
        "services": blast.services,
        "dependents": len(blast.dependents),
        "objects": blast.objects,
        "impact": blast.impact.value,
        "irreversibility": proposal.irreversibility.value,
        "units": list(bench.units),
        "paths": list(facts.paths),
        "tags": list(proposal.high_impact),
        "critical": facts.critical,
        "predictionOnly": proposal.prediction_only,
        "inMaintenance": in_maintenance(bench),
        "level": in_force(bench).level.value,
        "mergesLastHour": sum(1 for merge in facts.merges if merge.merged_ms > facts.now_ms - _HOUR_MS),
        "seenBefore": facts.seen_before,
        "seenThisWeek": facts.seen_this_week,
        "workedBefore": facts.worked_before,
        "objective": _objective(facts.budgets),
    }


def _objective(budgets: Sequence[Budget]) -> dict[str, float]:
    """The budget that is nearest its end. One that is not known hides the others: the least of the rest would say too much."""
    found = {"count": float(len(budgets))}
    left, burn = [_known(budget.left) for budget in budgets], [_known(budget.burn) for budget in budgets]
    if left and None not in left:
        found["budgetLeft"] = min(value for value in left if value is not None)
    if burn and None not in burn:
        found["burnRate"] = max(value for value in burn if value is not None)
    return found


def _known(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
