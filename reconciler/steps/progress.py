"""Progress: what earlier steps of a case found, as one frozen value in `Case.data`.

Rows outlive releases: a field is only ever added, with a default, so that a case started by one release is finished
by the next. `step()` makes the next row; it is the only way a case moves.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Permanent
from reconciler.model import canonical
from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.judging import Ballot
from reconciler.model.proposals import Proposal
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident


@dataclass(frozen=True, slots=True)
class Progress:
    """The memory of one case. "" and 0 mean "not yet"."""

    incident: Incident
    diagnosis: Diagnosis | None = None
    proposal: Proposal | None = None  # the candidate in hand
    head: str = ""  # its signed commit
    decided_ms: int = 0  # commit time of the candidate: the same inputs make the same commit again
    refused: tuple[str, ...] = ()  # patches that were refused in this case
    attempts: int = 0  # how often candidates were looked for
    pull: int = 0
    ballots: tuple[Ballot, ...] = ()
    verdict: str = ""  # key of the verdict record that allowed the landing
    merged_ms: int = 0
    applied_ms: int = 0
    blind_ms: int = 0  # since when telemetry has been missing
    undoing: str = ""  # the machine commit whose inverse is in hand
    undo_reason: str = ""
    repaired: Proposal | None = None  # the repair that is being undone
    known: tuple[str, ...] | None = None  # what was wrong in the edited units when it landed; None: nobody could look
    asked_ms: int = 0  # when the analysis was asked about the incident
    second_ms: int = 0  # up to when the analysis looked a second time
    harm: tuple[str, ...] = ()  # what a target said anew after the repair that is being undone


def progress(case: Case) -> Progress:
    """The progress stored in a case."""
    return canonical.decode(Progress, dict(case.data))


def readable(case: Case) -> bool:
    """Whether this release can go on with a case."""
    try:
        progress(case)
    except (Permanent, ValueError, TypeError):
        return False
    return True


def data(value: Progress) -> dict[str, Any]:
    """What is stored for it."""
    plain = canonical.plain(value)
    if not isinstance(plain, dict):  # pragma: no cover - a dataclass always encodes to an object
        raise TypeError(type(plain))
    return dict(plain)


def step(case: Case, stage: Stage, found: Progress, due_ms: int, reason: Reason | str, detail: str) -> Case:
    """The case at its next stage, due at `due_ms`. Attempts count while the stage stays the same."""
    return dataclasses.replace(
        case,
        stage=stage,
        data=data(found),
        due_ms=due_ms,
        reason=str(reason),
        detail=detail,
        attempts=case.attempts + 1 if stage is case.stage else 0,
    )
