"""One unit on a real cluster, as tests drive it: manifests in, what the target did out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.controlplane import Cluster

from reconciler.adapters.targets.kubernetes import KubernetesTarget
from reconciler.converge.shapes import body_digest
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.model.revisions import ChangeSet, DesiredObject, Manner, Plan, Rendered

Manifest = dict[str, Any]
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class OnDisk:
    """A cluster that another process started, by its folder."""

    folder: Path

    def kubeconfig(self, user: str = "admin", url: str | None = None) -> Path:
        return next(self.folder.glob(f"{user}-*.kubeconfig"))


class ClusterUnit:
    """The unit `shop` in a namespace of its own. `generation` grows with each `put`."""

    def __init__(self, cluster: Cluster | OnDisk, space: str, *, user: str = "admin", url: str | None = None) -> None:
        self.cluster, self.space = cluster, space
        self.settings = KubernetesSettings(
            kubeconfig=str(cluster.kubeconfig(user, url)), namespace=space, owner=space, timeout_ms=3_000
        )
        self.generation = 0
        self.open()

    def open(self) -> None:
        """A process that knows nothing of what was before."""
        self.target = KubernetesTarget.from_settings("k", self.settings, self.cluster.folder)

    def plan(self, *manifests: Manifest, manner: Manner | None = None) -> Plan:
        rendered = Rendered("shop", "k", "0" * 40, tuple(sorted(map(desired, manifests), key=lambda o: o.id)), manner or Manner())
        return self.target.plan(rendered, f"{self.generation:040d}", self.generation)

    def put(self, *manifests: Manifest, manner: Manner | None = None) -> ChangeSet:
        self.generation += 1
        return self.target.apply(self.plan(*manifests, manner=manner))

    def ask(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        assert isinstance(self.cluster, Cluster)
        with self.cluster.client() as client:
            answer = client.request(method, path, json=body, headers={"Content-Type": content})
            answer.raise_for_status()
            return answer.json()

    def patch(self, path: str, body: Any) -> None:
        """As a person does it, and back when the target has heard of it."""
        self.target.changed()
        self.ask("PATCH", path, body, MERGE)

    def config(self, name: str = "settings", **data: Any) -> Manifest:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": self.space}, "data": data}

    def deployment(self, *, image: str = "shop:1", replicas: int = 2) -> Manifest:
        limits = {"cpu": "1000m", "memory": "1Gi"}  # the server writes 1 for 1000m
        container = {"name": "web", "image": image, "ports": [{"containerPort": 80}], "resources": {"limits": limits}}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": self.space},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
            },
        }

    @property
    def configs(self) -> str:
        return f"/api/v1/namespaces/{self.space}/configmaps"

    @property
    def deployments(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.space}/deployments"


def desired(manifest: Mapping[str, Any]) -> DesiredObject:
    group = manifest["apiVersion"].rpartition("/")[0]
    metadata = manifest["metadata"]
    kind = manifest["kind"] + (f".{group}" if group else "")
    inside = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    secret = manifest["kind"] == "Secret"
    return DesiredObject(f"{kind}/{inside}{metadata['name']}", "shop", manifest, "shop.yaml", body_digest(manifest), secret)


@contextmanager
def cluster_unit(cluster: Cluster, space: str, **how: Any) -> Iterator[ClusterUnit]:
    made = ClusterUnit(cluster, space, **how)
    try:
        yield made
    finally:
        made.target.close()


def soon(fact: Callable[[], bool], what: str, seconds: float = 20) -> float:
    """Seconds until a fact is true."""
    start = time.monotonic()
    while not fact():
        if time.monotonic() - start > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - start


def crd(group: str) -> Manifest:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def thing(group: str, space: str) -> Manifest:
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Thing",
        "metadata": {"name": "one", "namespace": space},
        "spec": {"a": [1, {"b": 2}]},
    }
