"""A unit that Argo CD applies, on a real API server: the test writes what Argo CD would into real Application objects, whose
definition has the real one's names and shape. No Argo CD runs here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.controlplane import Cluster, running
from kubernetes_unit import MERGE, ClusterUnit, cluster_unit, soon

from reconciler.adapters.targets.kubernetes.api import Api, Request
from reconciler.model.appliers import AppliedBy, Phase
from reconciler.model.revisions import HealthState
from reconciler.ports.target import Act

OURS = "b" * 40
BY = AppliedBy("argocd", "argocd", "apps")
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "applications.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "names": {"kind": "Application", "plural": "applications", "singular": "application", "shortNames": ["app", "apps"]},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {},  # as the real one: the status is written with the object
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


@pytest.fixture(scope="module")
def argo() -> Iterator[Cluster]:
    with running() as cluster, cluster.client() as client:
        client.post(CRDS, json=CRD).raise_for_status()
        client.post("/api/v1/namespaces", json={"metadata": {"name": "argocd"}}).raise_for_status()
        client.post("/api/v1/namespaces", json={"metadata": {"name": "shop"}}).raise_for_status()
        soon(lambda: client.get(APPLICATIONS).status_code == 200, "Applications are served")
        yield cluster


@pytest.fixture
def site(argo: Cluster) -> Iterator[ClusterUnit]:
    """An Application that synced the ConfigMap shop/settings."""
    with cluster_unit(argo, "shop") as made:
        spec = {"project": "default", "source": {"path": "apps/shop", "repoURL": "https://git.example.org/infra"}}
        made.ask("POST", APPLICATIONS, {**_head("apps", "argocd"), "spec": spec})
        tracked = made.config(a="1")
        tracked["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "apps:/ConfigMap:shop/settings"}
        made.ask("POST", made.configs, tracked)
        says(made, "Synced", "Healthy")
        try:
            yield made
        finally:
            made.ask("DELETE", f"{made.configs}/settings")
            with argo.client() as client:
                client.delete(f"{APPLICATIONS}/apps")


def _head(name: str, space: str) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": space}}


def says(site: ClusterUnit, sync: str, health: str, **operation: Any) -> None:
    last = {"phase": "Succeeded", "syncResult": {"revision": OURS}, **operation}
    resource = {"version": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "settings", "status": sync}
    status = {
        "sync": {"status": sync, "revision": OURS}, "health": {"status": health}, "operationState": last, "resources": [resource],
    }  # fmt: skip
    site.ask("PATCH", f"{APPLICATIONS}/apps", {"status": status}, MERGE)


def test_what_the_application_says_is_read_and_its_objects_are_judged(site: ClusterUnit) -> None:
    site.target.leave({"shop": BY})
    found = site.target.standing("shop", BY)
    assert (found.phase, found.applied, found.folder) == (Phase.DONE, (OURS,), "apps/shop")
    assert {h.id: h.state for h in site.target.health("shop")} == {
        "Application.argoproj.io/argocd/apps": HealthState.HEALTHY,
        "ConfigMap/shop/settings": HealthState.HEALTHY,
    }
    assert site.target.inventory()["ConfigMap/shop/settings"] == "shop"


def test_a_failed_sync_and_a_degraded_application_are_told(site: ClusterUnit) -> None:
    site.target.leave({"shop": BY})
    says(site, "OutOfSync", "Healthy", phase="Failed", message="one or more objects failed to apply")
    assert site.target.standing("shop", BY).told == "one or more objects failed to apply"
    says(site, "Synced", "Degraded")
    assert site.target.standing("shop", BY).phase is Phase.UNHEALTHY
    assert [t.object for t in site.target.troubles(["shop"])] == ["Application.argoproj.io/argocd/apps"]


def test_what_is_gone_is_missing_and_so_is_an_application(site: ClusterUnit) -> None:
    site.target.leave({"shop": BY})
    site.ask("DELETE", f"{site.configs}/settings")
    assert {h.id for h in site.target.health("shop") if h.state is HealthState.MISSING} == {"ConfigMap/shop/settings"}
    site.ask("POST", site.configs, site.config(a="1"))
    nobody = AppliedBy("argocd", "argocd", "nobody")
    assert site.target.standing("shop", nobody).phase is Phase.MISSING


def test_what_was_healthy_is_read_again_once_it_was_applied_again(site: ClusterUnit) -> None:
    site.target.leave({"shop": BY})
    site.target.troubles(["shop"])
    site.ask("DELETE", f"{site.configs}/settings")
    assert not [h for h in site.target.health("shop") if h.state is HealthState.MISSING]
    says(site, "Synced", "Healthy", finishedAt="2026-01-01T00:00:00Z")
    assert [h.id for h in site.target.health("shop") if h.state is HealthState.MISSING] == ["ConfigMap/shop/settings"]
    site.ask("POST", site.configs, site.config(a="1"))


def test_only_reads_are_sent(site: ClusterUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    once = Api._once

    async def noted(api: Api, request: Request) -> Any:
        sent.append(request.method)
        return await once(api, request)

    monkeypatch.setattr(Api, "_once", noted)
    site.target.leave({"shop": BY})
    site.target.standing("shop", BY)
    site.target.observe("shop")
    site.target.health("shop")
    site.target.troubles(["shop"])
    assert not site.target.operate(Act("op", "shop", "restart", "Deployment.apps/shop/web"), dry_run=False).ok
    assert set(sent) == {"GET"}


def test_an_object_that_argo_tracks_is_refused_while_its_application_is_there(site: ClusterUnit) -> None:
    refused = site.put(site.config(a="2"))
    assert "ConfigMap/shop/settings is applied by Argo CD's Application apps" in refused.results[0].detail
    assert "applier: {kind: argocd, application: NAMESPACE/apps}" in refused.results[0].detail
    assert site.ask("GET", f"{site.configs}/settings")["data"] == {"a": "1"}
    site.ask("DELETE", f"{APPLICATIONS}/apps")
    assert "is applied by" not in str(site.put(site.config(a="2")).results)
