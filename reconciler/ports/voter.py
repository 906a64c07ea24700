"""Voter: one independent source of evidence about one proposal. Sees no policy rules and no other ballots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.model.diagnosis import Diagnosis
from reconciler.model.judging import Ballot, Subject
from reconciler.model.outcomes import Outcome
from reconciler.model.proposals import Proposal
from reconciler.model.signals import Incident
from reconciler.model.telemetry import Topology


@dataclass(frozen=True, slots=True)
class PastCase:
    """A finished repair from the log, for the outcomes voter."""

    playbook: str
    component: str
    patch: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a voter may look at."""

    subject: Subject
    incident: Incident
    diagnosis: Diagnosis
    proposal: Proposal
    topology: Topology
    past: tuple[PastCase, ...]
    now_ms: int


class Voter(Protocol):
    """Pure: the same question gives the same ballot. Raises nothing: without data it abstains with a reason."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str: ...

    def vote(self, question: Question) -> Ballot: ...
