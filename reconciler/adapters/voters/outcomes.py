"""The outcomes voter: what came of the same repair before?

Data: finished repairs from the log and nothing else. In this order:

1. The very same patch made it worse before: veto. It was undone once; nothing has been learnt since.
2. No finished repair with this playbook on this component: abstain. No history is no approval.
3. More often worse than better: reject. Better at least twice as often as worse: approve. In between: abstain.

Unknown outcomes count neither way.
"""

from __future__ import annotations

from reconciler.adapters.voters.ballot import EvidenceVoter, Opinion
from reconciler.model.judging import Choice
from reconciler.model.outcomes import OutcomeState
from reconciler.ports.voter import Question


class OutcomesVoter(EvidenceVoter):
    """Group "outcomes"."""

    def __init__(self, name: str = "past-outcomes", group: str = "outcomes") -> None:
        super().__init__(name, group)

    def opinion(self, question: Question) -> Opinion:
        return _opinion(question)


def _opinion(question: Question) -> Opinion:
    proposal = question.proposal
    if any(p.patch == proposal.patch and p.outcome.state is OutcomeState.WORSE for p in question.past):  # 1.
        return Opinion(Choice.VETO, ("this very patch made it worse before",))
    same = [p.outcome.state for p in question.past if (p.playbook, p.component) == (proposal.playbook, proposal.component)]
    better, worse = same.count(OutcomeState.BETTER), same.count(OutcomeState.WORSE)
    counted = f"{proposal.playbook} on {proposal.component}: better {better} times, worse {worse} times"
    if not better + worse:  # 2.
        return Opinion(Choice.ABSTAIN, (f"no finished {proposal.playbook} on {proposal.component} is on record",))
    if worse > better:  # 3.
        return Opinion(Choice.REJECT, (counted,))
    return Opinion(Choice.APPROVE if better >= 2 * worse else Choice.ABSTAIN, (counted,))
