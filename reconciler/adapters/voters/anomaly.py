"""The anomaly voter: is anything about the component that would be repaired odd at all?

Data: what the anomaly and change-point detectors said of all series, kept with the diagnosis; no cause, no call graph and no
confidence of the diagnosis. In this order:

1. The detectors found nothing or did not look: abstain. No anomaly found is no health.
2. A series of that component is odd, or went over to another level, surely enough: approve.
3. Nothing of it is, and something of others is: reject. The repair would touch what behaves as ever.
4. Otherwise abstain.
"""

from __future__ import annotations

from reconciler.adapters.voters.ballot import EvidenceVoter, Opinion
from reconciler.model.findings import Finding
from reconciler.model.judging import Choice
from reconciler.ports.voter import Question

KINDS = frozenset({"anomaly", "change"})
SURE, SURER = 0.5, 0.9  # to speak for a component, and against one of which nothing is said


class AnomalyVoter(EvidenceVoter):
    """Group "anomaly"."""

    def __init__(self, name: str = "odd-metrics", group: str = "anomaly") -> None:
        super().__init__(name, group)

    def opinion(self, question: Question) -> Opinion:
        return _opinion(question)


def _opinion(question: Question) -> Opinion:
    component = question.proposal.component
    odd = sorted(
        (f for f in question.diagnosis.findings if f.kind in KINDS), key=lambda f: (-float(f.confidence), f.at_ms, f.text)
    )
    if not odd:  # 1.
        return Opinion(Choice.ABSTAIN, ("no detector found a series odd",))
    own = [f for f in odd if f.component == component]
    if own and float(own[0].confidence) >= SURE:  # 2.
        return Opinion(Choice.APPROVE, (f"{len(own)} finding(s) about {component}, the surest {_said(own[0])}",))
    if not own and float(odd[0].confidence) >= SURER:  # 3.
        return Opinion(Choice.REJECT, (f"nothing of {component} is odd; the surest is {_said(odd[0])}",))
    return Opinion(Choice.ABSTAIN, (f"what was found is not sure enough; the surest is {_said(odd[0])}",))  # 4.


def _said(finding: Finding) -> str:
    return f"{finding.kind} in {finding.metric} of {finding.component}, confidence {finding.confidence}"
