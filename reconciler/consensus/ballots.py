"""Which ballots count: the last one of each principal, for exactly this edit, in its own group, in time.

Nothing here can turn a bad ballot into a good one: the last word of a principal is looked up first and judged
afterwards, so a late or malformed last word silences an earlier approval instead of uncovering it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.documents.quorum import QuorumSpec, VotingGroup
from reconciler.model.judging import Ballot, Choice, Subject

# Of two ballots cast in the same millisecond the more cautious one is the last, whatever order they came in.
CAUTION = {Choice.APPROVE: 0, Choice.ABSTAIN: 1, Choice.REJECT: 2, Choice.VETO: 3}


@dataclass(frozen=True, slots=True)
class Count:
    """The valid last ballots by principal, and why the others count nothing ("principal: why"), sorted."""

    valid: dict[str, Ballot]
    ignored: tuple[str, ...]

    def choice(self, principal: str) -> Choice | None:
        ballot = self.valid.get(principal)
        return ballot.choice if ballot else None


def count(ballots: Sequence[Ballot], subject: Subject, quorum: QuorumSpec, eligible: Sequence[VotingGroup], now_ms: int) -> Count:
    """The ballots that count for this subject now."""
    membership = {principal: group.name for group in eligible for principal in group.members}
    here = [b for b in ballots if (b.patch, b.trees) == subject.edit]
    ignored = {f"{b.principal}: for another edit" for b in ballots if (b.patch, b.trees) != subject.edit}
    valid: dict[str, Ballot] = {}
    for ballot in _last_words(here):
        fault = _fault(ballot, membership, quorum, now_ms)
        if fault:
            ignored.add(f"{ballot.principal}: {fault}")
        else:
            valid[ballot.principal] = ballot
    return Count(valid=valid, ignored=tuple(sorted(ignored)))


def _last_words(ballots: Iterable[Ballot]) -> list[Ballot]:
    last: dict[str, Ballot] = {}
    for ballot in sorted(ballots, key=_order):
        last[ballot.principal] = ballot
    return list(last.values())


def _order(ballot: Ballot) -> tuple[int, int, int, str]:
    # An early expiry sorts last among equals: again the more cautious reading.
    return (ballot.cast_ms, CAUTION.get(ballot.choice, 4), -ballot.expires_ms, ballot.group)


def _fault(ballot: Ballot, membership: dict[str, str], quorum: QuorumSpec, now_ms: int) -> str:
    """Why a ballot counts nothing, "" when it counts."""
    if ballot.choice not in CAUTION or not ballot.voter or not ballot.principal:
        return "malformed"
    if ballot.principal not in membership:
        return "no eligible voter"
    if membership[ballot.principal] != ballot.group:
        return "cast in a group it does not belong to"
    if ballot.cast_ms > now_ms or ballot.expires_ms <= ballot.cast_ms:
        return "malformed times"
    if ballot.expires_ms <= now_ms or now_ms - ballot.cast_ms > quorum.ballot_max_age_seconds * 1_000:
        return "expired"
    return ""
