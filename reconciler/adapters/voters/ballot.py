"""What every built-in voter shares: it refuses parts that do not belong together before it has an opinion, and its
ballot is bound to the edit that was asked about, with an end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from reconciler.model.judging import Ballot, Choice
from reconciler.ports.voter import Question

LIFETIME_MS = 600_000  # telemetry older than ten minutes is no evidence about now


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a voter thinks and why, before it is bound to anything."""

    choice: Choice
    reasons: tuple[str, ...]


class EvidenceVoter(ABC):
    """One group's voter; what it thinks of a question whose parts fit is its `opinion`."""

    def __init__(self, name: str, group: str) -> None:
        self._name, self._group = name, group

    @property
    def name(self) -> str:
        return self._name

    @property
    def group(self) -> str:
        return self._group

    def vote(self, question: Question) -> Ballot:
        """The opinion as one principal's vote on exactly this edit."""
        fault = misfit(question)
        opinion = Opinion(Choice.REJECT, (fault,)) if fault else self.opinion(question)
        patch, trees = question.subject.edit
        now = question.now_ms
        return Ballot(self._name, self._name, self._group, patch, trees, opinion.choice, opinion.reasons, now, now + LIFETIME_MS)

    @abstractmethod
    def opinion(self, question: Question) -> Opinion: ...


def misfit(question: Question) -> str:
    """Why the parts of a question do not belong together, "" when they do: a vote on another edit is worth nothing."""
    if question.proposal.patch != question.subject.patch:
        return "the proposal is not the patch that is judged"
    if question.proposal.incident != question.incident.id or question.diagnosis.incident != question.incident.id:
        return "incident, diagnosis and proposal do not belong together"
    return ""
