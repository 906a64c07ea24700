"""Who applies a unit: Homeostat, or another reconciler that Homeostat only reads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.documents.base import Spec
from reconciler.model.appliers import AppliedBy

OBJECT = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
Patience = Annotated[int, Field(ge=10_000, le=86_400_000)]


class HomeostatApplier(Spec):
    """Homeostat itself."""

    kind: Literal["homeostat"] = Field(default="homeostat", description="Homeostat.")


class FluxApplier(Spec):
    """Flux's kustomize-controller applies the unit. Nothing is written for it."""

    kind: Literal["flux"] = Field(description="Flux.")
    kustomization: str = Field(
        pattern=OBJECT, description="`namespace/name` of the Kustomization that applies the unit's folder."
    )
    timeout_ms: Patience = Field(
        default=900_000,
        description="Milliseconds after which a person is told that a revision is not applied. Default 900000: Flux's usual "
        "intervals are one minute to ten.",
    )


class ArgocdApplier(Spec):
    """Argo CD applies the unit. Nothing is written for it."""

    kind: Literal["argocd"] = Field(description="Argo CD.")
    application: str = Field(pattern=OBJECT, description="`namespace/name` of the Application that applies the unit's folder.")
    timeout_ms: Patience = Field(
        default=900_000,
        description="Milliseconds after which a person is told that a revision is not applied. Default 900000: Argo CD looks "
        "every three minutes, and a sync may take a while.",
    )


Applier = Annotated[HomeostatApplier | FluxApplier | ArgocdApplier, Field(discriminator="kind")]


def applied_by(applier: Applier) -> AppliedBy | None:
    """None for Homeostat."""
    if isinstance(applier, HomeostatApplier):
        return None
    at = applier.kustomization if isinstance(applier, FluxApplier) else applier.application
    space, _, name = at.partition("/")
    return AppliedBy(applier.kind, space, name)
