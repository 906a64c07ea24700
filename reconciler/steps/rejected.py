"""Rejected: edits that a person said no to lately. For `grouping.rejectedMs` the machine does not propose them again.

In: the reviews in the signed log, so that a lost store forgets none. Out: who said no to which patch or move, and until when.

Invariants: a no stands under the Clock, or until the same person approves the same edit. As for the judges, one by somebody who
may approve none of its units is nobody's, and of two words in one millisecond the rejection is the last.
"""

from __future__ import annotations

from reconciler.audit.facts import Reviewed
from reconciler.audit.view import Fact, Facts
from reconciler.documents.trust import Role
from reconciler.model.pulls import Review, ReviewChoice
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


def _last_words(ledger: Facts) -> list[Fact[Reviewed]]:
    said = [f for facts in ledger.reviews.values() for f in facts if f.value.review.choice is not ReviewChoice.COMMENT]
    said.sort(key=lambda f: (f.value.review.made_ms, f.value.review.choice is ReviewChoice.REJECT))
    return list({(f.value.review.principal, f.value.review.patch): f for f in said}.values())


def _counts(rules: Rulebook, review: Review) -> bool:
    units = [name for name, _ in review.trees] or [""]
    return any(rules.people.may(review.principal, Role.APPROVE, (unit,)) for unit in units)
