"""The causal voter: does the evidence itself support this repair, on this component, for this reason?

It does not trust the diagnosis' confidence: it reads the evidence again, fact by fact. The steps, in this order:

1. Nothing is known (no cause, unknown first): abstain.
2. The repair acts on another cause or component than the likeliest: reject.
3. A claimed commit needs its timing: applied before the symptom, and not long before. Otherwise reject.
4. A cause needs a shift of that component itself, strong enough, or that the target itself says what is wrong with it.
   Without one: abstain. Capacity taken away for its load needs a fall of its requests on record (S13: an idle CPU is none);
   without that: reject.
5. A second, different cause nearly as likely: abstain.
6. The confidence must be enough: otherwise abstain.
"""

from __future__ import annotations

import math

from reconciler.adapters.voters.ballot import EvidenceVoter, Opinion
from reconciler.adapters.voters.topology import removes_capacity
from reconciler.model.diagnosis import Cause, CauseKind, Evidence
from reconciler.model.judging import Choice
from reconciler.ports.voter import Question

BY_COMMIT = frozenset({CauseKind.RELEASE, CauseKind.CONFIG})
LATEST_S, EARLIEST_S = 300.0, -10.0
TOLD_LATEST_S = 1_800.0  # what a target names may come with the first restart: no chance shift of a metric
LOAD = "request_rate"
STRONG = 3.0  # robust deviations
STEADY = 0.9  # share of the time in which it rose
NEAR = 0.1


class CausalVoter(EvidenceVoter):
    """Group "causal". `confidence` is the least it asks of the likeliest cause."""

    def __init__(self, name: str = "causal-evidence", group: str = "causal", confidence: float = 0.6) -> None:
        super().__init__(name, group)
        self._confidence = confidence

    def opinion(self, question: Question) -> Opinion:
        top = question.diagnosis.top
        if top is None:  # 1.
            return Opinion(Choice.ABSTAIN, ("no cause is known",))
        against = _other_target(question, top) or _untimely(top) or _not_fallen(question, top)  # 2., 3. and 4.
        if against:
            return Opinion(Choice.REJECT, (against,))
        return self._weigh(question, top)

    def _weigh(self, question: Question, top: Cause) -> Opinion:
        shifts = [e for e in top.evidence if e.kind == "shift" and e.component == top.component]
        strongest = max((abs(_number(e.score)) for e in shifts), default=math.nan)
        said = _said(top)
        if not (strongest >= STRONG or said or _grows(top)):  # 4.
            return Opinion(Choice.ABSTAIN, (f"no metric of {top.component} moved clearly",))
        sure = _number(top.confidence)
        rival = _rival(question, top, sure)
        if rival is not None:  # 5.
            return Opinion(Choice.ABSTAIN, (f"{rival.kind.value} on {rival.component} is nearly as likely",))
        if not sure >= self._confidence:  # 6.
            return Opinion(Choice.ABSTAIN, (f"confidence {top.confidence} is below {self._confidence:g}",))
        if not shifts:
            seen = f"the target says {said}" if said else "it grows steadily"
            return Opinion(Choice.APPROVE, (f"{top.kind.value} on {top.component}, confidence {top.confidence}", seen))
        facts = f"{len(shifts)} metric(s) of {top.component} moved, the strongest by {strongest:.1f} robust deviations"
        return Opinion(Choice.APPROVE, (f"{top.kind.value} on {top.component}, confidence {top.confidence}", facts))


def _other_target(question: Question, top: Cause) -> str:
    proposal = question.proposal
    if proposal.component != top.component:
        return f"the repair acts on {proposal.component}, the evidence points to {top.component}"
    if proposal.cause != top.kind.value:
        return f"the repair is for {proposal.cause}, the evidence says {top.kind.value}"
    return ""


def _untimely(top: Cause) -> str:
    if top.kind not in BY_COMMIT:
        return ""
    timing = next((e for e in top.evidence if e.kind == "timing"), None)
    if not top.commit or timing is None:
        return "a commit is blamed without commit or timing on record"
    delay = _delay_s(timing)
    if not EARLIEST_S <= delay <= (TOLD_LATEST_S if _said(top) else LATEST_S):
        return f"the symptom began {delay:.0f} s after the commit was applied: no coincidence in time"
    return ""


def _not_fallen(question: Question, top: Cause) -> str:
    if top.kind is not CauseKind.LOAD or not any(removes_capacity(edit) for edit in question.proposal.edits):
        return ""
    fell = (e for e in top.evidence if (e.kind, e.component, e.metric) == ("shift", top.component, LOAD))
    if any(_number(e.score) <= -STRONG for e in fell):
        return ""
    return f"capacity of {top.component} would be taken away, and no fall of its requests is on record"


def _delay_s(timing: Evidence) -> float:
    """Worked out again from both times; the score that came with them is not believed."""
    return (_number(timing.after) - _number(timing.before)) / 1_000


def _grows(top: Cause) -> bool:
    """A leak need not have shifted anything yet: steady growth is its evidence."""
    grown = [e for e in top.evidence if e.kind == "growth" and e.component == top.component]
    return top.kind is CauseKind.MEMORY and any(_number(e.score) >= STEADY for e in grown)


def _said(top: Cause) -> str:
    """The word that the target has for it, on record for this component."""
    told = (e.metric for e in top.evidence if (e.kind, e.component) == ("told", top.component))
    return next((word for word in told if word and word == top.trouble), "")


def _rival(question: Question, top: Cause, sure: float) -> Cause | None:
    others = [c for c in question.diagnosis.causes if (c.kind, c.component) != (top.kind, top.component) and not _beside(c, top)]
    return next((c for c in others if c.kind is not CauseKind.UNKNOWN and sure - _number(c.confidence) < NEAR), None)


def _beside(cause: Cause, top: Cause) -> bool:
    """Two objects of which the target says what is wrong are two troubles, not two explanations of one."""
    return bool(_said(cause) and _said(top)) and cause.object != top.object


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
