"""How every built-in voter writes its ballot: bound to the edit that was asked about, with an end."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.judging import Ballot, Choice
from reconciler.ports.voter import Question

LIFETIME_MS = 600_000  # telemetry older than ten minutes is no evidence about now


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a voter thinks and why, before it is bound to anything."""

    choice: Choice
    reasons: tuple[str, ...]


def ballot(voter: str, group: str, question: Question, opinion: Opinion) -> Ballot:
    """The opinion as one principal's vote on exactly this edit."""
    patch, trees = question.subject.edit
    now = question.now_ms
    return Ballot(voter, voter, group, patch, trees, opinion.choice, opinion.reasons, now, now + LIFETIME_MS)


def misfit(question: Question) -> str:
    """Why the parts of a question do not belong together, "" when they do: a vote on another edit is worth nothing."""
    if question.proposal.patch != question.subject.patch:
        return "the proposal is not the patch that is judged"
    if question.proposal.incident != question.incident.id or question.diagnosis.incident != question.incident.id:
        return "incident, diagnosis and proposal do not belong together"
    return ""
