"""Installing: Homeostat itself as objects of a cluster, beside the rights that `rights` grants it.

One replica, replaced and never doubled: the home on its volume is one process's. It listens on its own loopback address
only, so there is no Service to make: pages and webhooks are reached by `kubectl port-forward`, or by a reverse proxy with TLS
that the user puts beside it into the pod. Nothing may connect to it, it runs as nobody, and its file system is read-only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.adapters.targets.kubernetes.rights import own_account
from reconciler.documents.installation_parts import KubernetesSettings

HOME = "/var/lib/homeostat"
USER = 10_001
ALIVE = "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/healthz', timeout=5)"
FIRST = f"test -e {HOME}/pinned.json || homeostat --home {HOME} init"


@dataclass(frozen=True, slots=True)
class Installed:
    """What a person chooses."""

    image: str
    storage: str = "10Gi"


def manifests(settings: KubernetesSettings, chosen: Installed) -> list[dict[str, Any]]:
    """Namespace first; then what the pod needs; then the pod."""
    space, _, name = own_account(settings).partition("/")
    metadata = {"name": name, "namespace": space, "labels": _labels(name)}
    namespace = {
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": space, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    }  # fmt: skip
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": chosen.storage}}},
    }  # fmt: skip
    nobody = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata,
        "spec": {"podSelector": {"matchLabels": _labels(name)}, "policyTypes": ["Ingress"], "ingress": []},
    }  # fmt: skip
    return [namespace, account, claim, nobody, _deployment(metadata, name, chosen.image)]


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "homeostat", "app.kubernetes.io/instance": name}


def _deployment(metadata: dict[str, Any], name: str, image: str) -> dict[str, Any]:
    pod = {
        "serviceAccountName": name,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_container("init", image, ["sh", "-c", FIRST])],
        "containers": [{
            **_container("homeostat", image, ["homeostat", "--home", HOME, "up"]),
            "livenessProbe": {
                "exec": {"command": ["python", "-c", ALIVE]},
                "initialDelaySeconds": 30, "periodSeconds": 30, "timeoutSeconds": 10,
            },
        }],
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": name}}, {"name": "tmp", "emptyDir": {}}],
    }  # fmt: skip
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": _labels(name)},
        "template": {"metadata": {"labels": _labels(name)}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _container(name: str, image: str, command: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "command": command,
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [{"name": "home", "mountPath": HOME}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  # a volume
    }  # fmt: skip
