"""Case: an incident on its way through the loop, as the row that the store keeps.

`stage` names the next step; `data` holds canonical JSON of what earlier steps found. A step re-reads the truth,
acts at most once, and returns the next Case with the records to keep; the store commits both in one transaction.
`version` is compared on commit, so a worker that lost its lease changes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Stage(enum.StrEnum):
    """The stages of a case, in order. Names are stored: they are never renamed, only added to."""

    TRIAGE = "triage"
    DIAGNOSE = "diagnose"
    PROPOSE = "propose"
    OPEN = "open"
    JUDGE = "judge"
    LAND = "land"
    APPLY = "apply"
    GUARD = "guard"
    SOAK = "soak"
    UNDO = "undo"
    DONE = "done"
    UNREADABLE = "unreadable"  # no step: a row that this release cannot read, as the store shows it until it is set aside


QUIET_ENDS = ("stale", "better", "merged", "coalesced")  # ends that ask nothing of anybody


@dataclass(frozen=True, slots=True)
class Case:
    id: str  # the incident's id, or "case-<commit>" when rebuilt from the log
    repository: str
    target: str
    fingerprint: str
    stage: Stage
    due_ms: int  # under the Clock; the case sleeps until then
    opened_ms: int
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""  # the last step's Reason
    detail: str = ""  # the last step's sentence for people
    attempts: int = 0  # of this stage
    version: int = 0
