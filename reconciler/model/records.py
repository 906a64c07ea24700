"""Record: one thing that happened, as it goes into the log. Every arrow of the loop leaves one."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.canonical import digest


class RecordKind(enum.StrEnum):
    CONFIGURED = "configured"  # init, trust roots, branch accepted, settings
    INCIDENT = "incident"
    DIAGNOSIS = "diagnosis"
    SECOND_LOOK = "second-look"  # what the analysis said later to a diagnosis; nothing is decided by it
    PROPOSAL = "proposal"
    BALLOTS = "ballots"
    REVIEW = "review"
    VERDICT = "verdict"
    ADMISSION = "admission"
    MERGE = "merge"
    APPLY = "apply"
    OUTCOME = "outcome"
    HOLD = "hold"
    BRAKE = "brake"
    PANIC = "panic"
    OPERATION = "operation"
    REFUSAL = "refusal"
    CLOSED = "closed"  # a case came to its end
    ALARM = "alarm"  # a rewritten branch, a tampered record, a blind healer


@dataclass(frozen=True, slots=True)
class Stamp:
    """Both times: `clock_ms` under the Clock decides, `wall_ms` is for people."""

    clock_ms: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Record:
    """`payload` is canonical JSON; `key` makes the record idempotent: the same key is written once, ever."""

    kind: RecordKind
    key: str  # e.g. "verdict/<repository>/<head>/<policy>/<n>"
    subject: str  # what it is about: a commit, incident, unit
    incident: str  # "" when none
    stamp: Stamp
    payload: Mapping[str, Any]
    secret_free: bool = True

    @property
    def id(self) -> str:
        """Digest of kind, key and payload: what the leaf in the log proves."""
        return digest(
            {
                "kind": self.kind.value,
                "key": self.key,
                "subject": self.subject,
                "incident": self.incident,
                "clock_ms": self.stamp.clock_ms,
                "wall_ms": self.stamp.wall_ms,
                "payload": dict(self.payload),
            }
        )


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record with its place in the log."""

    index: int
    record: Record
    envelope: Mapping[str, Any]  # the DSSE envelope that signs it
