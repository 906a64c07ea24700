"""The consensus judge: enough independent evidence for exactly this edit, or not.

In: the subject, all ballots and reviews on hand, the Quorum document, the proposer's groups. Out: one Decision with a
table of requirements. The steps, in this order:

1. The electorate: the configured groups minus the proposer's own. Nobody eligible: denied.
2. The count: one last word per principal, for this edit, in time (`ballots.count`). Everything else counts nothing.
3. A veto denies. So does a person's rejection. Nothing outvotes either.
4. Every group that may veto has answered, if only by abstaining: silencing it is no way around it. Until then: wait.
5. Quorum: enough groups approve.
6. Weight: the approving share of the eligible weight reaches the bar. Absent, late and abstaining stay in the
   denominator. Fractions throughout: no rounding can lift a vote over the bar.
7. A person's approval of this edit stands in for what is missing in 5 and 6, and the table says so.

Adding an approval never hurts, and taking any voter's ballots away never turns anything else into a merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from reconciler.consensus.ballots import Count, count
from reconciler.documents.quorum import Quorum, QuorumSpec, VotingGroup
from reconciler.model.judging import Ballot, Choice, Decision, Effect, Judge, Requirement, Status, Subject
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.reasons import Reason

AGAIN_MS = 30_000  # a ballot that is missing or expired is asked for again
REVIEW_COMMAND = "homeostat pr approve NUMBER"


def decide(
    subject: Subject,
    ballots: Sequence[Ballot],
    quorum: Quorum,
    reviews: Sequence[Review],
    proposer_groups: Sequence[str],
    now_ms: int,
    document: str = "",
) -> Decision:
    """One decision about one subject. `reviews` are those of Trust principals, verified by the caller."""
    spec = quorum.spec
    rule = document or f"Quorum/{quorum.metadata.name}"
    # 1. The electorate
    eligible = [g for g in spec.groups if g.name not in set(proposer_groups)]
    if not eligible:
        return _decision([_electorate(spec, eligible, rule)], rule)
    # 2. The count
    votes = count(ballots, subject, spec, eligible, now_ms)
    approvers, rejecters = _people(subject, reviews, spec, now_ms)
    requirements = [
        _electorate(spec, eligible, rule),
        _no_veto(eligible, votes, rule),  # 3.
        _no_rejection(rejecters, rule),  # 3.
        _answered(eligible, votes, rule),  # 4.
        _stand_in(_groups(spec, eligible, votes, rule), approvers),  # 5. and 7.
        _stand_in(_weight(spec, eligible, votes, rule), approvers),  # 6. and 7.
    ]
    return _decision(requirements, rule, now_ms + AGAIN_MS)


def not_applicable(document: str = "") -> Decision:
    """The answer for the inverse of the machine's own commit: consensus is not asked on the fast lane."""
    row = Requirement(
        "consensus", Status.NOT_APPLICABLE, Reason.NOT_APPLICABLE, "the inverse of the machine's own commit needs no votes", ()
    )
    return Decision(Judge.CONSENSUS, Effect.MERGE, Reason.NOT_APPLICABLE, (row,), document or "fast lane")


def _decision(requirements: Sequence[Requirement], rule: str, again_ms: int = 0) -> Decision:
    """Whatever nothing can supply denies; a silent voter is waited for; what a person can supply is left to one."""
    failed = [r for r in requirements if not r.passes]
    if not failed:
        return Decision(Judge.CONSENSUS, Effect.MERGE, Reason.QUORUM_MET.value, tuple(requirements), rule)
    for effect, rows in (
        (Effect.DENY, [r for r in failed if r.hard]),
        (Effect.WAIT, [r for r in failed if not r.person]),
        (Effect.REVIEW, failed),
    ):
        if rows:
            later = again_ms if effect is Effect.WAIT else 0
            return Decision(Judge.CONSENSUS, effect, rows[0].reason, tuple(requirements), rule, later)
    raise AssertionError("a failed requirement belongs to one of the three")


def _people(subject: Subject, reviews: Sequence[Review], spec: QuorumSpec, now_ms: int) -> tuple[list[str], list[str]]:
    """Who approves and who rejects this edit, by each person's last word; of two at once the rejection is the last."""
    voters = {p for g in spec.groups for p in g.members}
    last: dict[str, ReviewChoice] = {}
    for review in sorted(reviews, key=lambda r: (r.made_ms, r.choice is ReviewChoice.REJECT)):
        counts = (review.patch, review.trees) == subject.edit and review.made_ms <= now_ms
        if counts and review.principal and review.principal not in voters and review.choice is not ReviewChoice.COMMENT:
            last[review.principal] = review.choice
    by_choice = {c: sorted(p for p, found in last.items() if found is c) for c in (ReviewChoice.APPROVE, ReviewChoice.REJECT)}
    return by_choice[ReviewChoice.APPROVE], by_choice[ReviewChoice.REJECT]


def _row(name: str, ok: bool, reason: Reason, expression: str, values: Sequence[tuple[str, str]], rule: str) -> Requirement:
    return Requirement(
        name=name,
        status=Status.SATISFIED if ok else Status.UNSATISFIED,
        reason=(Reason.OK if ok else reason).value,
        expression=expression,
        values=tuple(values),
        document=rule,
    )


def _lacking(row: Requirement, missing: str, command: str = "", *, person: bool = False, hard: bool = False) -> Requirement:
    """The row with what is missing, in words; a row that passes stays as it is."""
    return row if row.passes else replace(row, missing=missing, command=command, person=person, hard=hard)


def _electorate(spec: QuorumSpec, eligible: Sequence[VotingGroup], rule: str) -> Requirement:
    values = [(g.name, str(spec.weight(g))) for g in eligible]
    row = _row("electorate", bool(eligible), Reason.NO_VOTERS, "at least one group is eligible to vote", values, rule)
    return _lacking(row, "no group outside the proposer's own may vote; list one in the Quorum document", hard=True)


def _no_veto(eligible: Sequence[VotingGroup], votes: Count, rule: str) -> Requirement:
    vetoes = [
        (b.principal, "; ".join(b.reasons)) for b in _of(eligible, votes) if b.choice is Choice.VETO and _may_veto(eligible, b)
    ]
    row = _row("no veto", not vetoes, Reason.VETO, "no eligible voter vetoes", vetoes, rule)
    return _lacking(row, "a smaller or safer repair; a veto is never outvoted", hard=True)


def _no_rejection(rejecters: Sequence[str], rule: str) -> Requirement:
    values = [(name, "reject") for name in rejecters]
    row = _row("no person rejects", not rejecters, Reason.REJECTED, "no person rejected this edit", values, rule)
    return _lacking(row, f"{', '.join(rejecters)} would have to approve instead", hard=True)


def _answered(eligible: Sequence[VotingGroup], votes: Count, rule: str) -> Requirement:
    silent = [p for g in eligible if g.veto for p in g.members if p not in votes.valid]
    values = [(p, "answered" if p in votes.valid else "silent") for g in eligible if g.veto for p in g.members]
    values += [("ignored", text) for text in votes.ignored]
    row = _row("veto holders answered", not silent, Reason.NO_QUORUM, "everyone who may veto has answered in time", values, rule)
    return _lacking(row, f"a ballot from {', '.join(silent)}")


def _groups(spec: QuorumSpec, eligible: Sequence[VotingGroup], votes: Count, rule: str) -> Requirement:
    approving = [g.name for g in eligible if _share(g, votes) > 0]
    values = [("approving", ", ".join(approving) or "none"), ("needed", str(spec.minimum_groups))]
    ok = len(approving) >= spec.minimum_groups
    row = _row("quorum of groups", ok, Reason.NO_QUORUM, f"groups that approve >= {spec.minimum_groups}", values, rule)
    return _lacking(row, f"{spec.minimum_groups - len(approving)} more approving group(s)", REVIEW_COMMAND, person=True)


def _weight(spec: QuorumSpec, eligible: Sequence[VotingGroup], votes: Count, rule: str) -> Requirement:
    weights = [(g, spec.weight(g)) for g in eligible]
    total = sum(weight for _, weight in weights)
    approved = sum((weight * _share(g, votes) for g, weight in weights), Fraction(0))
    values = [(g.name, f"{_words(g, votes)}, weight {weight}") for g, weight in weights]
    values += [("approved", str(approved)), ("eligible", str(total)), ("share", str(approved / total))]
    row = _row(
        "approving weight",
        approved / total >= spec.bar,
        Reason.NO_QUORUM,
        f"approved / eligible >= {spec.threshold}",
        values,
        rule,
    )
    missing = f"{spec.bar * total - approved} more weight of {total}"
    return _lacking(row, missing, REVIEW_COMMAND, person=True)


def _stand_in(row: Requirement, approvers: Sequence[str]) -> Requirement:
    """A person's review in place of missing votes, visibly."""
    if row.passes or not approvers:
        return row
    values = (*row.values, *(("reviewed by", name) for name in approvers))
    return replace(row, status=Status.OVERRIDDEN, values=values, missing="", command="")


def _share(group: VotingGroup, votes: Count) -> Fraction:
    """The approving share of a group's members; whoever did not answer is among them."""
    return Fraction(sum(votes.choice(p) is Choice.APPROVE for p in group.members), len(group.members))


def _words(group: VotingGroup, votes: Count) -> str:
    return ", ".join(f"{p}: {(c.value if (c := votes.choice(p)) else 'absent')}" for p in group.members)


def _of(eligible: Sequence[VotingGroup], votes: Count) -> list[Ballot]:
    return [votes.valid[p] for g in eligible for p in g.members if p in votes.valid]


def _may_veto(eligible: Sequence[VotingGroup], ballot: Ballot) -> bool:
    return any(g.veto for g in eligible if g.name == ballot.group)
