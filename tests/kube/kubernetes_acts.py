"""One unit whose pods run on fake nodes, as tests of Operations drive it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, Manifest, soon

from reconciler.adapters.targets.kubernetes import KubernetesTarget
from reconciler.adapters.targets.kubernetes.acted import MERGE
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted

WEB = {"app": "web"}


class ActingUnit(ClusterUnit):
    """`shop` may act on nodes. `node` is its own: nobody else's pods are there."""

    def __init__(self, cluster: Cluster, space: str, *, user: str = "admin", drain_ms: int = 20_000) -> None:
        self.drain_ms = drain_ms
        super().__init__(cluster, space, user=user)

    def open(self) -> None:
        settings = self.settings.model_copy(update={"node_units": ("shop",), "drain_ms": self.drain_ms})
        self.target = KubernetesTarget.from_settings("k", settings, self.cluster.folder)

    def reopen(self) -> None:
        self.target.close()
        self.open()

    def do(self, action: str, component: str = "web", name: str = "one", *, dry_run: bool = False, user: str = "") -> Acted:
        return self.target.operate(Act(name, "shop", action, component, user), dry_run=dry_run)

    def go_on(self, action: str, component: str, name: str = "one") -> Acted:
        return self.target.go_on(Act(name, "shop", action, component))

    def to_its_end(self, action: str, component: str, name: str = "one") -> Acted:
        """Begun, and gone on with until it is over."""
        told = [self.do(action, component, name)]

        def over() -> bool:
            if told[-1].reason == Reason.WAITING:
                told.append(self.go_on(action, component, name))
            return told[-1].reason != Reason.WAITING

        soon(over, f"{action} {component} comes to its end")
        return told[-1]

    def add_node(self) -> str:
        """With a taint, so that only who says so goes there."""
        name = f"node-{uuid4().hex[:8]}"
        room = {"cpu": "32", "memory": "256Gi", "pods": "100"}
        metadata = {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"for": self.space}}
        spec = {"taints": [{"key": "for", "value": self.space, "effect": "NoSchedule"}]}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec}
        self.ask("POST", "/api/v1/nodes", {**node, "status": {"allocatable": room, "capacity": room}})
        return name

    def cordon(self, node: str, *, off: bool = False) -> None:
        """As a person would."""
        self.ask("PATCH", f"/api/v1/nodes/{node}", {"spec": {"unschedulable": None if off else True}}, MERGE)

    def bound(self, replicas: int = 2, **spec: Any) -> Manifest:
        """A Deployment that runs only on nodes of `add_node`."""
        made = self.deployment(replicas=replicas)
        toleration = {"key": "for", "operator": "Equal", "value": self.space, "effect": "NoSchedule"}
        made["spec"]["template"]["spec"].update({"nodeSelector": {"for": self.space}, "tolerations": [toleration], **spec})
        return made

    def budget(self, least: int) -> Manifest:
        return {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", "namespace": self.space},
            "spec": {"minAvailable": least, "selector": {"matchLabels": WEB}},
        }

    def cron(self, **spec: Any) -> Manifest:
        pod = {"restartPolicy": "Never", "containers": [{"name": "clean", "image": "clean:1"}]}
        return {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "clean", "namespace": self.space},
            "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": {"spec": pod}}}, **spec},
        }

    def run_all(self, *manifests: Manifest, pods: int = 2) -> None:
        """Applied, and so many pods ready."""
        assert self.put(*manifests).ok
        soon(lambda: len(self.running()) == pods, f"{pods} pods run")

    def running(self) -> list[Any]:
        return [
            p for p in self.pods() if p.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in p["metadata"]
        ]

    def pods(self) -> list[Any]:
        found: list[Any] = self.ask("GET", f"/api/v1/namespaces/{self.space}/pods?labelSelector=app%3Dweb")["items"]
        return found

    def get(self, kind: str = "deployments", name: str = "web") -> Any:
        return self.ask("GET", f"/apis/apps/v1/namespaces/{self.space}/{kind}/{name}")

    def node(self, name: str) -> Any:
        return self.ask("GET", f"/api/v1/nodes/{name}")


@contextmanager
def acting(cluster: Cluster, space: str, **how: Any) -> Iterator[ActingUnit]:
    made = ActingUnit(cluster, space, **how)
    try:
        yield made
    finally:
        made.target.close()
        with cluster.client() as client:
            for node in client.get("/api/v1/nodes", params={"labelSelector": f"for={space}"}).json()["items"]:
                client.delete(f"/api/v1/nodes/{node['metadata']['name']}")
