"""References: what still needs an object that is about to be deleted.

In: the ids that a plan deletes. Out: for each that is still needed, by what. Asked of the server at that moment, and only for
kinds whose deletion takes something else along: a ConfigMap, Secret or claim that a pod uses, a definition with instances, a
namespace with objects that this plan does not delete. What cannot be asked is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.kinds import Kind, Kinds
from reconciler.adapters.targets.kubernetes.order import CRD

MOUNTED = frozenset({"ConfigMap", "Secret", "PersistentVolumeClaim"})
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PAGE = "50"
OF_THE_CLUSTER = frozenset({  # made in every namespace by the cluster itself, or gone with what made them
    "ConfigMap/kube-root-ca.crt", "ServiceAccount/default", "Event", "Event.events.k8s.io", "Endpoints",
    "EndpointSlice.discovery.k8s.io", "Lease.coordination.k8s.io", "PodMetrics.metrics.k8s.io", "ControllerRevision.apps",
})  # fmt: skip


class References:
    """Of one cluster."""

    def __init__(self, api: Api, kinds: Kinds) -> None:
        self._api, self._kinds = api, kinds

    async def needed(self, now: frozenset[str], leaving: frozenset[str]) -> Mapping[str, str]:
        """Id -> who needs it, for those that are deleted now; `leaving` is all that this plan deletes."""
        pods = await self._pods({i.split("/")[1] for i in now if i.split("/", 1)[0] in MOUNTED})
        asked = [self._needed(i, leaving, pods) for i in sorted(now)]
        return {i: why for i, why in zip(sorted(now), await asyncio.gather(*asked), strict=True) if why}

    async def _needed(self, object_id: str, leaving: frozenset[str], pods: Mapping[str, list[Any]]) -> str:
        kind, *rest = object_id.split("/")
        if kind in MOUNTED:
            users = [p["metadata"]["name"] for p in pods.get(rest[0], ()) if (kind, rest[1]) in _uses(p)]
            return f"pod {users[0]} uses it" + (f" and {len(users) - 1} more" if len(users) > 1 else "") if users else ""
        try:
            if kind == CRD:
                return await self._instances(rest[0], leaving)
            if kind == "Namespace":
                return await self._inside(rest[0], leaving)
        except Refused as refused:
            return "" if refused.status == 404 else f"nobody knows what needs it: {refused}"
        return ""

    async def _pods(self, namespaces: set[str]) -> Mapping[str, list[Any]]:
        found = await asyncio.gather(*(self._api.get(f"/api/v1/namespaces/{n}/pods") for n in sorted(namespaces)))
        return {n: page.get("items") or [] for n, page in zip(sorted(namespaces), found, strict=True)}

    async def _instances(self, crd: str, leaving: frozenset[str]) -> str:
        plural, _, group = crd.partition(".")
        served = [k for k in self._kinds.all() if k.group == group and k.plural == plural]
        found = [i for k in served[:1] async for i in self._objects(k, "")]
        left = [i for i in found if i not in leaving]
        return f"{len(left)} objects of it exist, {left[0]} the first" if left else ""

    async def _inside(self, namespace: str, leaving: frozenset[str]) -> str:
        """Every kind that lives in namespaces is asked; people's and other controllers' objects alike count."""
        kinds = {k.name: k for k in self._kinds.all() if k.namespaced and k.name not in OF_THE_CLUSTER}
        for kind in kinds.values():
            async for found in self._objects(kind, namespace):
                if found not in leaving and found.replace(f"/{namespace}/", "/") not in OF_THE_CLUSTER:
                    return f"{found} is in it and stays"
        return ""

    async def _objects(self, kind: Kind, namespace: str) -> AsyncIterator[str]:
        """Ids; what belongs to another object goes with that one."""
        page = await self._api.get(kind.path(namespace), accept=NAMES_ONLY, limit=PAGE)
        for item in page.get("items") or ():
            metadata = item["metadata"]
            inside = f"{metadata['namespace']}/" if kind.namespaced else ""
            if not metadata.get("ownerReferences"):
                yield f"{kind.name}/{inside}{metadata['name']}"


def _uses(pod: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    spec = pod.get("spec") or {}
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return frozenset()
    return frozenset((*_volumes(spec), *_environment(spec)))


def _volumes(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in spec.get("volumes") or ():
        for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            for kind, key, name in (
                ("ConfigMap", "configMap", "name"),
                ("Secret", "secret", "secretName"),
                ("Secret", "secret", "name"),
                ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
            ):
                if found := (source.get(key) or {}).get(name):
                    yield kind, found
    for secret in spec.get("imagePullSecrets") or ():
        yield "Secret", secret.get("name", "")


def _environment(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for source in container.get("envFrom") or ():
            yield "ConfigMap", (source.get("configMapRef") or {}).get("name", "")
            yield "Secret", (source.get("secretRef") or {}).get("name", "")
        for variable in container.get("env") or ():
            value = variable.get("valueFrom") or {}
            yield "ConfigMap", (value.get("configMapKeyRef") or {}).get("name", "")
            yield "Secret", (value.get("secretKeyRef") or {}).get("name", "")
