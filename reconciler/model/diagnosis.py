"""Diagnosis: ranked causes with evidence and confidence. "Unknown" is a right answer."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reconciler.model.explanations import Explanation
from reconciler.model.findings import Finding
from reconciler.model.memory import Portrait, Seen


class CauseKind(enum.StrEnum):
    RELEASE = "release"  # a commit that changed a release
    CONFIG = "config"  # a commit that changed something else
    LOAD = "load"  # more requests than before, or so few that capacity is too much
    MEMORY = "memory"  # growth towards a limit
    SATURATION = "saturation"  # a resource or queue is full
    DEPENDENCY = "dependency"  # something it calls got slow or fails
    WORKLOAD = "workload"  # what the target itself says is wrong, and no commit explains it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One checkable fact: which metric of which component, before and after, and how far it moved."""

    kind: str  # "shift", "commit", "timing", "topology", "growth", "absence", "told", "analysis", "forecast"
    component: str
    metric: str
    before: str
    after: str
    score: str  # robust effect size or share, as decimal text
    text: str  # written by Homeostat from the fields above, never copied from telemetry; "told" quotes the target, capped


@dataclass(frozen=True, slots=True)
class Cause:
    kind: CauseKind
    component: str
    confidence: str  # 0..1 as decimal text
    commit: str  # the suspected commit, "" when none
    evidence: tuple[Evidence, ...]
    trouble: str = ""  # the TroubleKind that the target named, "" when it named none
    object: str = ""  # the declared object that it named it on
    container: str = ""
    unit: str = ""  # whose object that is
    contested: tuple[tuple[str, str], ...] = ()  # its fields that others write, and who they are

    @property
    def told(self) -> str:
        """The fingerprint of the trouble that the target named, "" when it named none."""
        return f"{self.unit}/{self.object}/{self.trouble}/{self.container}" if self.trouble and self.object else ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found for one incident. `causes` is ranked; empty or UNKNOWN first means "do not guess"."""

    incident: str
    made_ms: int
    revision: str  # the infra commit that was applied when looking
    causes: tuple[Cause, ...]
    window_before: tuple[int, int]  # ms, the reference window
    window_after: tuple[int, int]  # ms, the window of trouble
    summary: str
    prediction_only: bool = False  # born of a forecast, nothing is broken yet
    cascading: bool = False  # an emergent pattern is spreading
    portrait: Portrait | None = None  # what it is recognised by later
    seen: Seen | None = None  # what was like it before
    findings: tuple[Finding, ...] = ()  # what the detectors said, or why they did not; added with 0.2, older records have none
    explanation: Explanation | None = None  # of the findings, for people: nothing is decided by it

    @property
    def top(self) -> Cause | None:
        return self.causes[0] if self.causes and self.causes[0].kind is not CauseKind.UNKNOWN else None
