"""Difference: how a live object is apart from what was applied, field by field, and whose each field is."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Whose(enum.StrEnum):
    """What follows from a field that differs."""

    GIT = "git"  # the unit's drift policy decides
    THEIRS = "theirs"  # it is not compared, not sent and not put back
    REFUSE = "refuse"  # the object is not applied while somebody else writes it


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field. `manager` wrote the live value, "" when nobody has it now; `when_ms` is when it wrote last."""

    path: str
    desired: str
    live: str
    manager: str = ""
    when_ms: int = 0
    whose: Whose = Whose.GIT
    why: str = ""  # why it is theirs


@dataclass(frozen=True, slots=True)
class Difference:
    """One object. `gone`: it is not there at all. `note`: why its fields cannot be told."""

    id: str
    gone: bool = False
    fields: tuple[FieldDifference, ...] = ()
    note: str = ""

    @property
    def drifted(self) -> bool:
        """Whether anything is apart that is Git's."""
        return self.gone or bool(self.note) or any(f.whose is not Whose.THEIRS for f in self.fields)
