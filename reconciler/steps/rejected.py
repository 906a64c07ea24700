"""Rejected: edits that a person said no to lately. For `grouping.rejectedMs` the machine does not propose them again.

In: the reviews in the signed log, so that a lost store forgets none. Out: who said no to which patch or move, and until when;
and to which pull request, so that a base that moves in that moment does not make it unsaid.

Invariants: a no stands under the Clock, or until the same person approves the same edit. As for the judges, one by somebody who
may approve none of its units is nobody's, and of two words in one millisecond the rejection is the last.
"""

from __future__ import annotations

from reconciler.audit.facts import Reviewed
from reconciler.audit.view import Fact, Facts
from reconciler.documents.trust import Role
from reconciler.model.pulls import PullRequest, Review, ReviewChoice
from reconciler.proposals import Rejection
from reconciler.steps.rulebook import Rulebook


def stands_until(rules: Rulebook, fact: Fact[Reviewed]) -> int:
    """Until when a rejection speaks about the same edit in other pull requests; 0 for another review."""
    rejects = fact.value.review.choice is ReviewChoice.REJECT
    return fact.clock_ms + rules.installation.spec.grouping.rejected_ms if rejects else 0


def rejected(rules: Rulebook, ledger: Facts, now_ms: int) -> dict[str, Rejection]:
    """By everything that the rejected edits are remembered by."""
    found: dict[str, Rejection] = {}
    for fact in sorted(_last_words(ledger), key=lambda fact: fact.clock_ms):
        review = fact.value.review
        if now_ms < (ends := stands_until(rules, fact)) and _counts(rules, review):
            said = Rejection(review.principal, fact.value.number, fact.clock_ms, ends)
            found |= dict.fromkeys((review.patch, *ledger.memories.get(review.patch, ())), said)
    return found


def rejected_by(rules: Rulebook, ledger: Facts, pull: PullRequest) -> str:
    """Whose last word in this pull request is a no, whatever edit it was about by then; "" when nobody's is."""
    logged = (fact.value.review for fact in ledger.reviews.get(pull.number, ()))
    last: dict[str, Review] = {}
    for review in sorted((*logged, *pull.reviews), key=_order):
        if review.choice is not ReviewChoice.COMMENT and _counts(rules, review):
            last[review.principal] = review
    return ", ".join(sorted(name for name, review in last.items() if review.choice is ReviewChoice.REJECT))


def _last_words(ledger: Facts) -> list[Fact[Reviewed]]:
    said = [f for facts in ledger.reviews.values() for f in facts if f.value.review.choice is not ReviewChoice.COMMENT]
    said.sort(key=lambda f: _order(f.value.review))
    return list({(f.value.review.principal, f.value.review.patch): f for f in said}.values())


def _order(review: Review) -> tuple[int, bool]:
    return review.made_ms, review.choice is ReviewChoice.REJECT


def _counts(rules: Rulebook, review: Review) -> bool:
    units = [name for name, _ in review.trees] or [""]
    return any(rules.people.may(review.principal, Role.APPROVE, (unit,)) for unit in units)
