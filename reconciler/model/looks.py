"""SecondLook: what the analysis says of an incident some minutes after its diagnosis, when more is measured. For people.

A record of its own: neither the proposal nor a judge ever sees it, so a replay of what was decided is the same with it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reconciler.model.explanations import Explanation
from reconciler.model.findings import Finding


class Says(enum.StrEnum):
    """What the second look says to the cause of the diagnosis."""

    AGREES = "agrees"  # names it, too
    ANOTHER = "another"  # surely names another component
    FOUND = "found"  # names one where there was none
    UNSURE = "unsure"  # puts another first, and is not sure of it
    NOTHING = "nothing"  # names nobody
    SILENT = "silent"  # did not answer


@dataclass(frozen=True, slots=True)
class SecondLook:
    """`first_ms` is the diagnosis that it is about; `summary` is written by Homeostat, and names are cut."""

    incident: str
    first_ms: int
    made_ms: int  # nothing that was measured later was looked at
    says: Says
    chosen: str  # the component of the diagnosis' cause, "" where there was none
    named: str  # whom the second look puts first, "" where nobody
    confidence: str  # of that, as decimal text; "0" where nobody is named
    doubts: bool  # of the cause by which a repair was chosen: it surely names another, and no target itself said the first
    told: bool  # people were told, for it knew better than the diagnosis
    summary: str
    findings: tuple[Finding, ...] = ()
    explanation: Explanation | None = None
