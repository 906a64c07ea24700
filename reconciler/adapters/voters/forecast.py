"""The forecast voter: does the repair fit what is coming?

Data: forecasts and foreseen breaches of the component, kept with the diagnosis, and which way the edit moves its capacity. In
this order:

1. Nothing is foretold of the component: abstain. A young installation has no forecast.
2. Capacity would be taken away and a breach is foreseen: veto. It would be short of it when it is needed.
3. Capacity would be added and a breach is foreseen: approve.
4. Capacity would be taken away, and its load is foretold without a breach: approve.
5. Any other repair: abstain. A forecast says nothing of releases and configuration.
"""

from __future__ import annotations

from reconciler.adapters.voters.ballot import EvidenceVoter, Opinion
from reconciler.adapters.voters.topology import CAPACITY, removes_capacity
from reconciler.model.judging import Choice
from reconciler.model.proposals import Edit, EditKind
from reconciler.ports.voter import Question

FORETOLD = frozenset({"forecast", "breach", "risk"})
BREACHES = frozenset({"breach", "risk"})
LIKELY = 0.2  # a breach less likely than this is none that a repair has to fit


class ForecastVoter(EvidenceVoter):
    """Group "forecast"."""

    def __init__(self, name: str = "fits-forecast", group: str = "forecast") -> None:
        super().__init__(name, group)

    def opinion(self, question: Question) -> Opinion:
        return _opinion(question)


def _opinion(question: Question) -> Opinion:
    component, edits = question.proposal.component, question.proposal.edits
    foretold = [f for f in question.diagnosis.findings if f.kind in FORETOLD and f.component == component]
    if not foretold:  # 1.
        return Opinion(Choice.ABSTAIN, (f"nothing is foretold of {component}",))
    breaches = [f for f in foretold if f.kind in BREACHES and float(f.confidence) >= LIKELY]
    worst = max(breaches, key=lambda f: (float(f.confidence), f.metric), default=None)
    fewer, more = any(removes_capacity(e) for e in edits), any(_adds_capacity(e) for e in edits)
    if fewer and worst:  # 2.
        return Opinion(Choice.VETO, (f"capacity would go, and {worst.metric} is foreseen to pass its limit: {worst.text}"[:300],))
    if more and worst:  # 3.
        return Opinion(
            Choice.APPROVE, (f"capacity would come, and {worst.metric} is foreseen to pass its limit: {worst.text}"[:300],)
        )
    if fewer:  # 4.
        return Opinion(Choice.APPROVE, (f"no breach is foreseen in {len(foretold)} forecast(s) of {component}",))
    return Opinion(Choice.ABSTAIN, ("the forecast says nothing about such a repair",))  # 5.


def _adds_capacity(edit: Edit) -> bool:
    """Whether a number that means capacity rises."""
    last = edit.pointer[-1] if edit.pointer else ""
    before, after = edit.before, edit.after
    numbers = isinstance(before, int) and isinstance(after, int) and not isinstance(before, bool) and not isinstance(after, bool)
    changes = edit.kind in (EditKind.SET, EditKind.SCALE, EditKind.RESTORE)
    return changes and last in CAPACITY and numbers and int(after or 0) > int(before or 0)
