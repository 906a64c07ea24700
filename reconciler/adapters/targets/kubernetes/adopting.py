"""Adopting: a live namespace as manifests that a unit can take over without touching anything.

In: a namespace. Out: a Harvest: manifests, what is left out and why, and who else applies what. Only reading, but for a
dry run of each manifest, by which the server says whether applying it would change anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.targets.kubernetes.api import APPLY, Api, Refused, Request
from reconciler.adapters.targets.kubernetes.fields import MANAGER
from reconciler.adapters.targets.kubernetes.kinds import Kind, Kinds
from reconciler.adapters.targets.kubernetes.live import UNIT, object_id
from reconciler.adapters.targets.kubernetes.record import RECORD
from reconciler.adapters.targets.kubernetes.references import OF_THE_CLUSTER
from reconciler.adapters.targets.kubernetes.stripping import same, stripped
from reconciler.errors import Permanent

SCALER = "HorizontalPodAutoscaler.autoscaling"
TRIES = 3  # of comparing what changes all the time
MADE_EVERYWHERE = OF_THE_CLUSTER | {"ConfigMap/istio-ca-root-cert", "ConfigMap/openshift-service-ca.crt"}
ONCE = {"Job.batch": "a Job runs once: write a CronJob, or an Operation", "Pod": "a bare Pod: write a Deployment"}
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
NO_SECRETS = "its values are never written: encrypt it with sops (docs/guide/rendering.md)"
APPLIERS = (
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"), ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"), ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("annotations", "meta.helm.sh/release-name", "Helm"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Harvest:
    """Everything by id, in order."""

    manifests: Mapping[str, Mapping[str, Any]]
    left: Mapping[str, str]  # what is not written, and why
    secrets: tuple[str, ...]
    appliers: Mapping[str, str]  # who else applies it
    changes: Mapping[str, str]  # what applying it would not leave alone, or why nobody knows


async def harvest(api: Api, kinds: Kinds, namespace: str) -> Harvest:
    """Kinds that may not be listed are told; the others go on."""
    found, left = await _found(api, kinds, namespace)
    scaled = _scaled([obj for kind, obj in found if kind.name == SCALER])
    kept: dict[str, tuple[Kind, Mapping[str, Any]]] = {}
    for kind, obj in found:
        if (why := _why_not(kind, obj)) is None:
            kept[object_id(kind, obj)] = (kind, obj)
        elif why:
            left[object_id(kind, obj)] = why
    kept = dict(sorted(kept.items()))
    manifests = {
        at: stripped(kind.name, obj, scaled=(obj["kind"], obj["metadata"]["name"]) in scaled) for at, (kind, obj) in kept.items()
    }
    told = await asyncio.gather(*(_changed(api, *kept[at], manifests[at]) for at in manifests))
    return Harvest(
        manifests,
        {at: why for at, why in sorted(left.items()) if why != NO_SECRETS},
        tuple(sorted(at for at, why in left.items() if why == NO_SECRETS)),
        {at: who for at, (_, obj) in kept.items() if (who := _applier(obj))},
        {at: why for at, why in zip(manifests, told, strict=True) if why},
    )


async def _found(api: Api, kinds: Kinds, namespace: str) -> tuple[list[tuple[Kind, Mapping[str, Any]]], dict[str, str]]:
    """The namespace and what is in it, and the kinds that could not be listed."""
    try:
        space = await api.get(f"/api/v1/namespaces/{namespace}")
    except Refused as refused:
        raise Permanent(
            f"cannot read namespace {namespace}: {refused.told or refused}", next_step="kubectl get namespaces"
        ) from refused
    named = sorted((k for k in kinds.all() if k.namespaced and k.name not in MADE_EVERYWHERE), key=lambda k: k.name)
    listed = await asyncio.gather(*(_listed(api, kind, namespace) for kind in named))
    found = [(k, o) for k, objects in zip(named, listed, strict=True) if not isinstance(objects, str) for o in objects]
    unlisted = {k.name: why for k, why in zip(named, listed, strict=True) if isinstance(why, str)}
    return [(NAMESPACE, space), *found], unlisted


async def _listed(api: Api, kind: Kind, namespace: str) -> list[Any] | str:
    try:
        return [obj async for obj in _pages(api, kind, namespace)]
    except Refused as refused:
        return f"cannot be listed: {refused.told or refused}"


async def _pages(api: Api, kind: Kind, namespace: str) -> AsyncIterator[Any]:
    params: dict[str, Any] = {"limit": "500"}
    while True:
        page = await api.get(kind.path(namespace), **params)
        for item in page.get("items") or ():
            yield {"apiVersion": kind.api_version, "kind": kind.kind, **item}
        if not (more := page["metadata"].get("continue")):
            return
        params["continue"] = more


def _why_not(kind: Kind, obj: Mapping[str, Any]) -> str | None:
    """Why it is not written: None when it is, "" when nobody wants to know."""
    metadata = obj["metadata"]
    labels = metadata.get("labels") or {}
    if f"{kind.name}/{metadata['name']}" in MADE_EVERYWHERE or metadata.get("ownerReferences") or RECORD in labels:
        return ""  # comes with the cluster, with its owner, or is our own record
    if metadata.get("deletionTimestamp"):
        return "it is being deleted"
    if UNIT in labels:
        return f"unit {labels[UNIT]} of Homeostat has it already"
    if kind.name == "Secret":
        return "" if str(obj.get("type", "")).startswith(("helm.sh/", "kubernetes.io/service-account-token")) else NO_SECRETS
    return ONCE.get(kind.name)


def _scaled(scalers: Sequence[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    refs = [(s.get("spec") or {}).get("scaleTargetRef") or {} for s in scalers]
    return frozenset((str(r.get("kind", "")), str(r.get("name", ""))) for r in refs)


def _applier(obj: Mapping[str, Any]) -> str:
    return next((who for part, key, who in APPLIERS if key in (obj["metadata"].get(part) or {})), "")


async def _changed(api: Api, kind: Kind, live: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """By the server's own dry run. An object that changes meanwhile by itself is compared again."""
    metadata = manifest["metadata"]
    path = kind.path(metadata.get("namespace", ""), metadata["name"])
    params = {"fieldManager": MANAGER, "force": "true", "dryRun": "All"}
    try:
        for _ in range(TRIES):
            answer = await api.send(Request("PATCH", path, params, json.dumps(manifest).encode(), APPLY))
            if same(live, answer):
                return ""
            live = await api.get(path)
    except Refused as refused:
        return f"nobody knows what applying it would change: {refused.told or refused}"
    return "applying it would change it"
