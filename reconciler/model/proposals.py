"""Proposal: the smallest typed edit of the infra repository, its inverse, and what it is expected to do."""

from __future__ import annotations

import enum
from dataclasses import dataclass

Scalar = bool | int | str | None
Pointer = tuple[str | int, ...]  # keys and indexes from the document's root


class EditKind(enum.StrEnum):
    SET = "set"  # one scalar to a value
    SCALE = "scale"  # one number times a ratio, rounded, within bounds
    APPEND = "append"  # one more item at the end of a list
    RESTORE = "restore"  # one scalar to an earlier value from history
    REVERT = "revert"  # undo a whole commit
    OPERATION = "operation"  # add one Operation file
    NOTHING = "nothing"  # page a person, touch nothing


class Irreversibility(enum.StrEnum):
    REVERSIBLE = "reversible"  # the inverse edit restores everything
    COSTLY = "costly"  # restorable, but not without effect (a restart loses caches)
    IRREVERSIBLE = "irreversible"  # always needs a person


class Impact(enum.StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Edit:
    """One resolved edit: which bytes of which file become which. `before`/`after` are scalars as found and written."""

    kind: EditKind
    path: str
    document: int  # index within a multi-document file
    pointer: Pointer
    before: Scalar
    after: Scalar
    commit: str = ""  # REVERT and RESTORE: the commit undone or read from
    timeout_ms: int = 0  # how long it may take to be applied and healthy; 0 is the default of the installation


@dataclass(frozen=True, slots=True)
class FileEdit:
    """The bytes of one file before and after, by digest; the bytes themselves are in the commit."""

    path: str
    before: str  # digest, "" when the file is new
    after: str  # digest, "" when the file goes


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Who can be touched: the components edited, and those that call them, from the call graph."""

    components: tuple[str, ...]
    dependents: tuple[str, ...]
    units: tuple[str, ...]
    objects: int
    impact: Impact

    @property
    def services(self) -> int:
        return len(self.components)


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of success, named before the repair: `metric` of `component` at or below/above `bound`."""

    component: str
    metric: str
    direction: str  # "below" or "above"
    bound: str  # decimal text; "" means: better than before by the share in `improve`
    improve: str = ""  # decimal text share, e.g. "0.2" = at least 20 % better than before


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be seen, on whom, and who must not get worse. Written before anything is merged."""

    checks: tuple[Check, ...]
    controls: tuple[str, ...]  # untouched neighbours
    guard_after_ms: int = 60_000
    outcome_after_ms: int = 300_000
    worse_by: str = "0.2"
    told: bool = False  # judged by what the target says as well
    gone: tuple[str, ...] = ()  # fingerprints of the troubles that it must not say any more
    healthy: bool = False  # every object of the units must be healthy


@dataclass(frozen=True, slots=True)
class Proposal:
    """One candidate repair. `patch` is the digest of all FileEdits: the identity that is remembered and voted on."""

    id: str
    incident: str
    fingerprint: str  # of the incident's group and playbook: one open pull request each
    playbook: str
    title: str
    cause: str  # CauseKind value it acts on
    component: str
    confidence: str
    edits: tuple[Edit, ...]
    files: tuple[FileEdit, ...]
    patch: str
    base: str  # commit it was made on
    blast: BlastRadius
    irreversibility: Irreversibility
    expectation: Expectation
    predicted: str  # predicted effect in words made of typed fields
    is_revert_of: str = ""  # machine commit this is the inverse of: the fast lane
    high_impact: tuple[str, ...] = ()  # why it counts as high impact ("release-rollback", ...)
    prediction_only: bool = False

    @property
    def is_nothing(self) -> bool:
        return not self.files


@dataclass(frozen=True, slots=True)
class Refusal:
    """A candidate that was not proposed, and why. Kept in the record."""

    playbook: str
    reason: str  # Reason value
    detail: str
    where: str = ""
