"""Revision, Admission, Plan, ChangeSet, Health: what converge does with what was merged."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """One commit as read from Git. `signature` and `signed` are the raw SSH signature and the bytes it covers."""

    id: str
    parents: tuple[str, ...]
    tree: str
    author_name: str
    author_email: str
    committer_email: str
    time_ms: int
    message: str
    signature: bytes = b""
    signed: bytes = b""

    @property
    def subject(self) -> str:
        return self.message.split("\n", 1)[0]

    def trailer(self, name: str) -> str:
        """The last `Name: value` line of the message, "" when absent."""
        prefix = name + ": "
        found = [line[len(prefix) :] for line in self.message.splitlines() if line.startswith(prefix)]
        return found[-1].strip() if found else ""


class AdmissionKind(enum.StrEnum):
    VERDICT = "verdict"  # a machine commit with its signed verdict on record
    SIGNED = "signed"  # a person's commit signed by a Trust principal
    BRANCH = "branch"  # a person's commit, admitted because it came through the protected branch (Trust: warn)
    ROOT = "root"  # pinned by init


@dataclass(frozen=True, slots=True)
class Admission:
    """Why one commit may be applied."""

    commit: str
    kind: AdmissionKind
    principal: str
    verdict: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class DesiredObject:
    """One rendered object: `id` is unique within its target ("Service/checkout"). The values of a `secret` one are never
    shown, logged or recorded, and its digest is keyed.
    """

    id: str
    unit: str
    spec: Mapping[str, Any] = field(repr=False)
    path: str
    digest: str
    secret: bool = False


class Owner(enum.StrEnum):
    """Whose a field is that Git names and something in the cluster writes, too."""

    GIT = "git"  # put back
    THEIRS = "theirs"  # not applied, not compared, not shown
    REFUSE = "refuse"  # an object with such a conflict is not applied, and says so


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The one mask of diff, apply and display. Empty parts match everything; `name` and `manager` may hold `*`."""

    owner: Owner
    kind: str = ""  # Kind.group
    name: str = ""
    path: str = ""  # the field, or everything below it
    manager: str = ""  # who else writes it


@dataclass(frozen=True, slots=True)
class Manner:
    """How a unit's objects are handled in their target, beyond what they are."""

    user: str = ""  # in whose name it is applied; "" for our own
    adopt: bool = False  # objects that are there already and nobody's of ours are taken over
    fields: tuple[FieldRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A unit's objects, cached by the tree hash of what the renderer read."""

    unit: str
    target: str
    tree: str
    objects: tuple[DesiredObject, ...]
    manner: Manner = Manner()


@dataclass(frozen=True, slots=True)
class Observed:
    """What the target holds for one unit: digests by object id, and the newest generation it accepted."""

    unit: str
    generation: int
    revision: str
    objects: Mapping[str, str] = field(default_factory=dict)  # id -> digest of the live object
    inventory: Mapping[str, str] = field(default_factory=dict)  # id -> digest last applied by Homeostat


class Verb(enum.StrEnum):
    CREATE = "create"
    UPDATE = "update"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class Step:
    verb: Verb
    id: str
    fields: tuple[tuple[str, str, str], ...] = ()  # dotted field, before, after (as text, capped)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to one unit of one target, at which generation. The target refuses an older one."""

    unit: str
    target: str
    revision: str
    generation: int
    steps: tuple[Step, ...]
    objects: tuple[DesiredObject, ...]  # the whole desired set, for create and update
    manner: Manner = Manner()

    @property
    def is_empty(self) -> bool:
        return not self.steps


@dataclass(frozen=True, slots=True)
class StepResult:
    id: str
    verb: Verb
    ok: bool
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What was done, object by object. All errors are here, not only the first."""

    unit: str
    target: str
    revision: str
    generation: int
    results: tuple[StepResult, ...]
    reason: str

    @property
    def ok(self) -> bool:
        return all(r.ok for r in self.results) and self.reason in ("ok", "applied")


class HealthState(enum.StrEnum):
    HEALTHY = "healthy"
    PROGRESSING = "progressing"
    DEGRADED = "degraded"
    SUSPENDED = "suspended"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Health:
    id: str
    state: HealthState
    message: str = ""
