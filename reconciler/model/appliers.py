"""AppliedBy, Standing: somebody else who applies a unit, and what they say of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AppliedBy:
    """The object of another reconciler that applies a unit: a Kustomization of Flux, an Application of Argo CD."""

    kind: str  # flux | argocd
    namespace: str
    name: str

    def __str__(self) -> str:
        called = "Flux's Kustomization" if self.kind == "flux" else "Argo CD's Application"
        return f"{called} {self.namespace}/{self.name}"


class Phase(enum.StrEnum):
    DONE = "done"  # what `applied` names is there, and well
    BUSY = "busy"  # works on `tried`, or has not looked yet
    STOPPED = "stopped"  # goes on when a person says so
    FAILED = "failed"  # could not apply `tried`
    UNHEALTHY = "unhealthy"  # applied `tried`, and it is not well
    MISSING = "missing"  # the cluster has no such object


@dataclass(frozen=True, slots=True)
class Standing:
    """What they say now. Revisions are full ids, without branch names; `told` is in their words, one line, redacted."""

    phase: Phase
    told: str = ""
    applied: tuple[str, ...] = ()  # applied, and found well
    tried: tuple[str, ...] = ()  # what `phase` is about; empty: whatever is newest
    folder: str | None = None  # what they apply, from the repository's root; None where they do not say
    drifted: tuple[str, ...] = ()  # ids of objects that they say are no longer as applied
