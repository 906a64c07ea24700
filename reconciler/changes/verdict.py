"""The verdict: two decisions about one subject composed into one effect.

In: the decisions of the two judges. Out: the Verdict that is signed and recorded. The steps, in this order:

1. Exactly one decision of each judge: a missing judge denies, a judge heard twice denies.
2. A decision contradicts itself when it says merge over a requirement that does not pass: denied.
3. The strictest effect wins: deny, then shadow, wait, review, merge.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.judging import Decision, Effect, Judge, Requirement, Status, Subject, Verdict
from reconciler.model.reasons import Reason

STRICTEST = (Effect.DENY, Effect.SHADOW, Effect.WAIT, Effect.REVIEW, Effect.MERGE)


def verdict(subject: Subject, decisions: Sequence[Decision], now_ms: int, approvers: Sequence[str] = ()) -> Verdict:
    """One verdict on exactly this subject."""
    heard = tuple(sorted(decisions, key=lambda d: (d.judge.value, STRICTEST.index(d.effect), d.reason)))
    fault = _missing_or_doubled(heard) or _contradiction(heard)  # 1. and 2.
    if fault:
        heard = (*heard, fault)
    deciding = min(heard, key=lambda d: STRICTEST.index(d.effect))  # 3.
    reason = Reason.ALLOWED.value if deciding.effect is Effect.MERGE else deciding.reason
    return Verdict(subject, deciding.effect, reason, heard, now_ms, tuple(sorted(set(approvers))))


def _missing_or_doubled(decisions: Sequence[Decision]) -> Decision | None:
    judges = [d.judge for d in decisions]
    for judge in Judge:
        if judges.count(judge) != 1:
            return _denial(judge, f"the {judge.value} judge was heard {judges.count(judge)} times instead of once")
    return None


def _contradiction(decisions: Sequence[Decision]) -> Decision | None:
    for decision in decisions:
        failed = [r.name for r in decision.requirements if not r.passes]
        if decision.effect is Effect.MERGE and failed:
            return _denial(decision.judge, f"the {decision.judge.value} judge says merge although {failed[0]!r} does not pass")
        if decision.effect is Effect.MERGE and not decision.requirements:
            return _denial(decision.judge, f"the {decision.judge.value} judge says merge and shows no requirement")
    return None


def _denial(judge: Judge, why: str) -> Decision:
    row = Requirement(
        name="both judges heard",
        status=Status.ERROR,
        reason=Reason.ERROR.value,
        expression="each judge gives exactly one decision that agrees with its own requirements",
        values=(("found", why),),
        missing="judge this head again; if it stays, report it with the record",
        hard=True,
    )
    return Decision(judge, Effect.DENY, Reason.ERROR.value, (row,), "verdict")
