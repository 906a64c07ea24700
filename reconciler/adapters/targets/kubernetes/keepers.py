"""Keepers: whose an object is by the marks that Flux and Argo CD leave on what they apply. Never two appliers of one object.

1. Marks of an object that we hold are read when it is seen, and cost nothing. One that we do not hold is asked for before it is
   applied for the first time, and only where the cluster serves the kinds of such appliers.
2. A mark counts while the object that it names exists: marks stay when the applier is gone. An applier that we may not read
   counts as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.loosely import text

METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
KEPT: Final = "Kept"
TRACKING: Final = "argocd.argoproj.io/tracking-id"
FLUX: Final = {"kustomize.toolkit.fluxcd.io": "Kustomization", "helm.toolkit.fluxcd.io": "HelmRelease"}
APPLICATION: Final = "Application.argoproj.io"
_LABELS: Final = tuple((f"{group}/name", f"{group}/namespace", f"{kind}.{group}") for group, kind in FLUX.items())
KINDS: Final = frozenset({APPLICATION, *(f"{kind}.{group}" for group, kind in FLUX.items())})


@dataclass(frozen=True, slots=True)
class Keeper:
    """`namespace` is "" where the mark does not say it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        whose = "Argo CD's" if self.kind == APPLICATION else "Flux's"
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{whose} {self.kind.partition('.')[0]} {where}"

    @property
    def applier(self) -> str:
        """What homeostat.yaml says when the unit is left to it; "" where that cannot be said."""
        where = f"{self.namespace or 'NAMESPACE'}/{self.name}"
        if self.kind == APPLICATION:
            return f"applier: {{kind: argocd, application: {where}}}"
        return f"applier: {{kind: flux, kustomization: {where}}}" if self.kind.startswith("Kustomization") else ""


def keeper(object_id: str, metadata: Mapping[str, Any]) -> Keeper | None:
    """By its marks. A tracking id that was copied from another object marks nothing."""
    for name, space, kind in _LABELS:
        if called := text(metadata, "labels", name):
            return Keeper(kind, text(metadata, "labels", space), called)
    application, _, rest = text(metadata, "annotations", TRACKING).partition(":")
    what, _, where = rest.partition(":")
    group, _, kind = what.rpartition("/")
    own = object_id.split("/")
    if application and (f"{kind}.{group}" if group else kind) == own[0] and where.rpartition("/")[2] == own[-1]:
        space, _, name = application.rpartition("_")
        return Keeper(APPLICATION, space, name)
    return None


@dataclass(frozen=True)
class Keepers:
    """Of one cluster."""

    api: Api
    kinds: Kinds

    async def refusal(self, object_id: str, path: str, marks: Keeper | None, *, held: bool) -> str:
        """Why an object must not be applied, "" when it may."""
        found = marks if held else await self._unheld(object_id, path)
        if found is None or not await self.stands(found):
            return ""
        give = f"give the unit `{found.applier}`" if found.applier else "leave the object to it"
        return (
            f"{object_id} is applied by {found}, and two appliers would fight over it: take it out of this unit, {give}, or take "
            f"it away from {found} without deleting it"
        )

    async def stands(self, found: Keeper) -> bool:
        """Whether the applier exists."""
        kind = self.kinds.known(found.kind)
        if kind is None:
            return False
        try:
            if found.namespace:
                await self.api.get(kind.path(found.namespace, found.name), accept=METADATA)
                return True
            return bool((await self.api.get(kind.path(), fieldSelector=f"metadata.name={found.name}", limit="1")).get("items"))
        except Refused as refused:
            return refused.status != 404

    async def _unheld(self, object_id: str, path: str) -> Keeper | None:
        if not any(map(self.kinds.known, KINDS)):
            return None
        try:
            return keeper(object_id, (await self.api.get(path, accept=METADATA)).get("metadata") or {})
        except Refused as refused:
            if refused.status != 404:
                raise
            return None
