"""What proposals look at, and what they give: plain values on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.model.diagnosis import Diagnosis
from reconciler.model.proposals import Proposal, Refusal
from reconciler.model.revisions import CommitInfo
from reconciler.model.signals import Incident
from reconciler.model.telemetry import Topology


class History(Protocol):
    """The part of the Repo port that proposals read; every Repo is one."""

    def commit(self, commit: str) -> CommitInfo | None: ...

    def read(self, commit: str, path: str) -> bytes | None: ...

    def files(self, commit: str, under: str = "") -> Mapping[str, str]: ...

    def history(self, commit: str, *, limit: int = 50, path: str = "") -> Sequence[CommitInfo]: ...

    def revert(self, commit: str, onto: str) -> Mapping[str, bytes | None] | None: ...


@dataclass(frozen=True, slots=True)
class Rejection:
    """A person's no to an edit, which stands for a while."""

    by: str
    number: int  # the pull request
    said_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything besides Git and Telemetry that decides which candidates there are."""

    incident: Incident
    diagnosis: Diagnosis
    revision: str  # the commit to build on: the tip of the protected branch
    units: Mapping[str, str]  # unit to folder
    topology: Topology
    now_ms: int
    remembered: frozenset[str] = frozenset()  # of `memory()`: what was merged and reverted
    rejected: Mapping[str, Rejection] = field(default_factory=dict)  # of `memory()`: what a person does not want for now
    refused: frozenset[str] = frozenset()  # patches that a judge refused for this case: make room for the next
    cooling: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (playbook, component) to ms under the Clock


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal with the bytes that make it true and those that undo it (None: no such file)."""

    proposal: Proposal
    files: Mapping[str, bytes | None]
    inverse: Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Proposed:
    """Candidates in the order to try them; the last is "do nothing and page"."""

    candidates: tuple[Candidate, ...]
    refusals: tuple[Refusal, ...]

    @property
    def best(self) -> Candidate:
        return self.candidates[0]

    def after(self, patch: str) -> Candidate:
        """The candidate to try when the one with this patch was refused; at the end always "do nothing"."""
        patches = [candidate.proposal.patch for candidate in self.candidates]
        place = patches.index(patch) + 1 if patch in patches else 0
        return self.candidates[min(place, len(self.candidates) - 1)]
