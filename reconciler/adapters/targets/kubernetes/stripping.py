"""Stripping: a live object as a person would have written it.

Left out are: 1. what only the server writes, 2. what controllers and kubectl note down for themselves, 3. fields that only
controllers write, or a scaler, 4. defaults. What is left has the values of the live object, so applying it changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.targets.kubernetes.defaults import drop_defaults
from reconciler.adapters.targets.kubernetes.fields import without, writers
from reconciler.converge.shapes import SERVERS_OWN

NOTES = frozenset({
    "kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation", "control-plane.alpha.kubernetes.io/leader",
    "volume.beta.kubernetes.io/storage-provisioner", "kubernetes.io/metadata.name",
})  # fmt: skip
NOTES_OF = ("homeostat.dev/", "pv.kubernetes.io/", "volume.kubernetes.io/")
KEPT = frozenset({"homeostat.dev/prune", "homeostat.dev/wave", "homeostat.dev/substitute"})  # people write these
CONTROLLERS = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller-manager"})
FIRST = ("apiVersion", "kind", "metadata", "name", "namespace")


def stripped(kind: str, live: Mapping[str, Any], *, scaled: bool) -> dict[str, Any]:
    """`kind` is `Kind.group`; `scaled`: an autoscaler sets its replicas."""
    manifest = without(live, sorted(_theirs(live)))  # 3
    manifest.pop("status", None)
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in (*SERVERS_OWN, "finalizers", "ownerReferences")}  # 1
    for name in ("labels", "annotations"):
        kept = {k: v for k, v in (metadata.pop(name, None) or {}).items() if k in KEPT or not _noted(k)}  # 2
        metadata |= {name: kept} if kept else {}
    manifest["metadata"] = metadata
    spec = manifest.get("spec") or {}
    if scaled:
        spec.pop("replicas", None)
    if kind == "PersistentVolumeClaim" and "pv.kubernetes.io/bound-by-controller" in (live["metadata"].get("annotations") or {}):
        spec.pop("volumeName", None)
    if kind == "Namespace":
        manifest.pop("spec", None)
    if kind == "ServiceAccount":
        manifest.pop("secrets", None)
    drop_defaults(kind, manifest)  # 4
    return dict(_ordered(manifest))


def same(live: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether the server would leave an object as it is. Its status goes on by itself meanwhile."""
    return _content(live) == _content(answer)


def _content(obj: Mapping[str, Any]) -> str:
    metadata = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "resourceVersion", "generation")}
    return json.dumps({**{k: v for k, v in obj.items() if k != "status"}, "metadata": metadata}, sort_keys=True)


def _theirs(live: Mapping[str, Any]) -> frozenset[str]:
    """Leaves that nobody but controllers or subresources writes."""
    found = list(writers(live))
    people = frozenset[str]().union(*(leaves for name, sub, leaves in found if not sub and name not in CONTROLLERS))
    machines = frozenset[str]().union(*(leaves for name, sub, leaves in found if sub or name in CONTROLLERS))
    return frozenset(path for path in machines - people if not path.startswith(("/metadata/name", "/status")))


def _noted(key: str) -> bool:
    return key in NOTES or key.startswith(NOTES_OF)


def _ordered(value: Any) -> Any:
    """Who it is first, the rest by name; lists as they are."""
    if isinstance(value, Mapping):
        keys = [k for k in FIRST if k in value]
        return {k: _ordered(value[k]) for k in (*keys, *sorted(value.keys() - set(keys)))}
    return [_ordered(item) for item in value] if isinstance(value, list) else value
