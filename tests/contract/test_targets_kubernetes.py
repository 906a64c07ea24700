"""The promises of every Target, held against a real API server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cluster.controlplane import Cluster

from reconciler.adapters.targets.kubernetes import KubernetesTarget
from reconciler.converge.shapes import body_digest
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.model.revisions import DesiredObject
from reconciler.testing.check_target import CHECKS, TargetRig

pytestmark = pytest.mark.peer


class KubernetesRig:
    """ConfigMaps in a fresh namespace, under an owner of its own."""

    def __init__(self, cluster: Cluster, space: str) -> None:
        self.cluster, self.space = cluster, space
        settings = KubernetesSettings(kubeconfig=str(cluster.kubeconfig()), namespace=space, owner=space)
        self.target = KubernetesTarget.from_settings("k", settings, cluster.folder)

    def desired(self, unit: str, name: str, variant: int) -> DesiredObject:
        return self._made(unit, name, {"v": str(variant)})

    def invalid(self, unit: str, name: str) -> DesiredObject | None:
        return self._made(unit, name, {"v": {"a": "map is no text"}})

    def disturb(self, object_id: str) -> None:
        """As a person with kubectl; returns when the news is in."""
        _, space, name = object_id.split("/")
        before = self.target.observe("shop")
        with self.cluster.client() as client:
            client.patch(
                f"/api/v1/namespaces/{space}/configmaps/{name}",
                json={"data": {"v": "99"}},
                headers={"Content-Type": "application/merge-patch+json"},
            ).raise_for_status()
        until = time.monotonic() + 10
        while self.target.observe("shop") == before and time.monotonic() < until:
            time.sleep(0.01)

    def _made(self, unit: str, name: str, data: Any) -> DesiredObject:
        spec = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": self.space}, "data": data}
        return DesiredObject(f"ConfigMap/{self.space}/{name}", unit, spec, f"apps/{unit}/{name}.yaml", body_digest(spec))


@pytest.fixture
def rig(api_server: Cluster, namespace: str) -> Iterator[TargetRig]:
    made = KubernetesRig(api_server, namespace)
    yield made
    made.target.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_cluster_keeps_the_promise(rig: TargetRig, check: Callable[[TargetRig], None]) -> None:
    check(rig)
