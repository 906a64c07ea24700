"""Order: what has to be there before what, inside one unit.

Waves first, as the annotation says. Inside a wave: definitions and namespaces, then what pods need to start, then everything
else, then what can refuse other objects (webhooks) or takes over an API group. Deletions run the other way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from reconciler.errors import Misconfigured

WAVE = "homeostat.dev/wave"
CRD = "CustomResourceDefinition.apiextensions.k8s.io"
FIRST = frozenset({
    "Namespace", CRD, "PriorityClass.scheduling.k8s.io",
    "StorageClass.storage.k8s.io", "IngressClass.networking.k8s.io", "GatewayClass.gateway.networking.k8s.io",
    "RuntimeClass.node.k8s.io",
})  # fmt: skip
EARLY = frozenset({
    "ServiceAccount", "ConfigMap", "Secret", "LimitRange", "ResourceQuota", "PersistentVolume", "PersistentVolumeClaim",
    "Role.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io", "ClusterRole.rbac.authorization.k8s.io",
    "ClusterRoleBinding.rbac.authorization.k8s.io", "NetworkPolicy.networking.k8s.io",
})  # fmt: skip
LAST = frozenset({
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io", "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io", "APIService.apiregistration.k8s.io",
})  # fmt: skip


def rank(kind_name: str) -> int:
    if kind_name in FIRST:
        return 0
    if kind_name in EARLY:
        return 1
    return 3 if kind_name in LAST else 2


def wave(manifest: Mapping[str, Any]) -> int:
    text = ((manifest.get("metadata") or {}).get("annotations") or {}).get(WAVE, "0")
    try:
        return int(text)
    except ValueError as error:
        raise Misconfigured(f"{WAVE}: {text[:40]!r} is no whole number") from error


def levels(manifests: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[int, tuple[str, ...]]]:
    """(wave, ids that may go together), in order."""
    keyed = sorted((wave(m), rank(i.split("/", 1)[0]), i) for i, m in manifests.items())
    for (at, _), group in groupby(keyed, key=lambda k: k[:2]):
        yield at, tuple(i for _, _, i in group)
