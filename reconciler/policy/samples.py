"""From `given` to what the judge takes: used by cases files and by the self-test, so that both judge for real.

What a case does not say is the quiet case of `documents.policy_cases.Given`. Nothing here is read by the loop.
"""

from __future__ import annotations

from typing import Final

from reconciler.documents.freeze import instant_ms
from reconciler.documents.policy_cases import Given
from reconciler.model.judging import Subject
from reconciler.model.objectives import Budget
from reconciler.model.proposals import BlastRadius, Expectation, FileEdit, Impact, Irreversibility, Proposal
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.policy.facts import EXACT_LANDING, MACHINE, Brake, Facts, Forecast, SpentMerge, ValueMove
from reconciler.policy.rules import PolicySet

PATCH: Final = "sha256:sample-patch"
UNDONE: Final = "sample-commit"


def sample(given: Given, rules: PolicySet) -> tuple[Subject, Proposal, Facts]:
    """A judgeable edit that looks as `given` says."""
    return subject(given, rules), proposal(given), facts(given)


def subject(given: Given, rules: PolicySet) -> Subject:
    return Subject("sample", "main", "base", "head", PATCH, _trees(given), rules.digest)


def _trees(given: Given) -> tuple[tuple[str, str], ...]:
    return tuple((unit, f"tree-{unit}") for unit in sorted(given.units))


def proposal(given: Given) -> Proposal:
    components = given.components or tuple(f"service-{index}" for index in range(given.services))
    blast = BlastRadius(components, (), given.units, given.objects, Impact(given.impact))
    return Proposal(
        id="sample",
        incident="sample",
        fingerprint="sample",
        playbook=given.playbook,
        title="sample",
        cause=given.cause,
        component=components[0] if components else "",
        confidence=str(given.confidence),
        edits=(),
        files=tuple(FileEdit(path, "before", "after") for path in given.paths),
        patch=PATCH,
        base="base",
        blast=blast,
        irreversibility=Irreversibility(given.irreversibility),
        expectation=Expectation((), ()),
        predicted="sample",
        is_revert_of=UNDONE if given.reverts else "",
        high_impact=given.tags,
        prediction_only=given.prediction_only,
    )


def facts(given: Given) -> Facts:
    now = instant_ms(given.at)
    return Facts(
        now_ms=now,
        author=MACHINE,
        author_proved=True,
        paths=given.paths,
        deleted=(),
        units=given.units,
        examined=given.paths,
        moves=tuple(ValueMove(m.path, tuple(m.field.split(".")), m.before, m.after, m.restores) for m in given.moves),
        domains=given.domains,
        critical=given.critical,
        reviews=_reviews(given, now),
        merger=given.merger,
        brakes=(Brake("sample", "sample", 0),) if given.braked else (),
        merges=tuple(SpentMerge("sample", now - m.ago_ms, m.playbook, m.units, m.critical) for m in given.merges),
        open_domains=given.open_domains,
        cascading=given.cascading,
        seen_before=given.seen_before,
        seen_this_week=given.seen_this_week,
        worked_before=given.worked_before,
        forecast=Forecast(given.forecast),
        budgets=(Budget("sample", "service-0", "0.99", str(given.budget_left), "0", "1"),)
        if given.budget_left is not None
        else (),
        capabilities=(EXACT_LANDING,),
        inverse_of=UNDONE if given.reverts else "",
    )


def _reviews(given: Given, now: int) -> tuple[Review, ...]:
    words = [(name, ReviewChoice.APPROVE) for name in given.approved_by] + [
        (name, ReviewChoice.REJECT) for name in given.rejected_by
    ]
    return tuple(Review(name, choice, "head", PATCH, _trees(given), "cli", now - 1) for name, choice in words)
