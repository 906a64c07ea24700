"""check_voter: what every Voter must do, built in or third party.

Pure, bound to the edit that was asked about, with an end in the future, and abstaining where nothing is known.
`questions` are ones that the voter under test can say something about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.diagnosis import Diagnosis
from reconciler.model.judging import Ballot, Choice
from reconciler.model.telemetry import Topology
from reconciler.ports.voter import Question, Voter


def check_voter(voter: Voter, questions: Iterable[Question]) -> None:
    """Raises AssertionError naming the first broken promise."""
    for question in questions:
        cast = voter.vote(question)
        _expect(cast == voter.vote(question), voter, "gives the same ballot for the same question")
        _check_form(voter, question, cast)
        _check_binding(voter, question)
        _check_ignorance(voter, question)


def _check_form(voter: Voter, question: Question, cast: Ballot) -> None:
    _expect(isinstance(cast.choice, Choice), voter, "casts one of the four choices")
    _expect((cast.patch, cast.trees) == question.subject.edit, voter, "is bound to the edit that was asked about")
    _expect(cast.voter == voter.name and cast.group == voter.group, voter, "votes under its own name and group")
    _expect(bool(cast.principal) and bool(cast.reasons), voter, "names its principal and its reasons")
    _expect(cast.cast_ms == question.now_ms < cast.expires_ms, voter, "is cast now and ends later")


def _check_binding(voter: Voter, question: Question) -> None:
    other = replace(question, subject=replace(question.subject, trees=(("elsewhere", "0" * 40),)))
    _expect(voter.vote(other).trees == other.subject.trees, voter, "is bound to the trees that were asked about")
    foreign = replace(question, subject=replace(question.subject, patch="sha256:another"))
    _expect(voter.vote(foreign).choice is not Choice.APPROVE, voter, "approves no patch that is not the proposal's")


def _check_ignorance(voter: Voter, question: Question) -> None:
    asked = question.diagnosis
    nothing = Diagnosis(asked.incident, asked.made_ms, asked.revision, (), asked.window_before, asked.window_after, "")
    blind = replace(question, diagnosis=nothing, topology=Topology((), ()), past=())
    _expect(voter.vote(blind).choice is Choice.ABSTAIN, voter, "abstains when it knows nothing")


def _expect(kept: bool, voter: Voter, promise: str) -> None:
    if not kept:
        raise AssertionError(f"voter {voter.name!r} breaks its contract: it {promise}")
