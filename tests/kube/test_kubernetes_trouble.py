"""What is wrong with one thing is told at that thing, and stops nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.controlplane import Cluster, running
from kubernetes_unit import MERGE, ClusterUnit, cluster_unit, crd, desired, soon, thing

from reconciler.errors import Permanent, Retryable
from reconciler.model.revisions import ChangeSet, DesiredObject, HealthState, Rendered

pytestmark = pytest.mark.peer
GROUP = "rbac.authorization.k8s.io"
READER = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def test_a_record_that_somebody_broke_stops_its_unit_alone_until_it_is_repaired(unit: ClusterUnit) -> None:
    unit.put(unit.config(a="1"))
    record = f"{unit.configs}/homeostat-unit-shop"
    unit.target.close()
    unit.ask("PATCH", record, {"data": {"generation": "many"}}, "application/merge-patch+json")
    unit.open()
    with pytest.raises(Permanent, match="is no record of a unit"):
        unit.plan(unit.config(a="1"))
    other = Rendered(
        "other", "k", "0" * 40, (DesiredObject(f"ConfigMap/{unit.space}/o", "other", unit.config("o", a="1"), "f", "d"),)
    )
    assert unit.target.apply(unit.target.plan(other, "1" * 40, 1)).ok
    unit.ask("PATCH", record, {"data": {"generation": "1"}}, "application/merge-patch+json")
    assert unit.plan(unit.config(a="1")).is_empty


def test_a_manifest_with_a_namespace_for_a_kind_that_lives_in_none_is_refused_at_that_object(unit: ClusterUnit) -> None:
    group = f"{unit.space}.example.com"
    definition = crd(group)
    definition["spec"]["scope"] = "Cluster"
    changes = unit.put(definition, thing(group, unit.space), unit.config(a="1"))
    (failed,) = [r for r in changes.results if not r.ok]
    assert failed.id == desired(thing(group, unit.space)).id
    assert "lives in no namespace" in failed.detail


def test_a_kind_that_may_not_be_listed_is_told_at_once_with_its_name() -> None:
    with running(users={"reader": ()}) as cluster:
        with cluster.client() as client:
            client.post("/api/v1/namespaces", json={"metadata": {"name": "own"}}).raise_for_status()
            role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "r"}
            bound = {
                "metadata": {"name": "r"},
                "roleRef": role,
                "subjects": [{"kind": "User", "name": "reader", "apiGroup": GROUP}],
            }
            client.post(f"/apis/{GROUP}/v1/clusterroles", json={"metadata": {"name": "r"}, "rules": [READER]}).raise_for_status()
            client.post(f"/apis/{GROUP}/v1/clusterrolebindings", json=bound).raise_for_status()
        with cluster_unit(cluster, "own", user="reader") as unit, pytest.raises((Retryable, Permanent), match="forbidden"):
            unit.plan(unit.config(a="1"))


def test_an_object_as_large_as_the_server_takes_is_applied_and_listed_again(unit: ClusterUnit) -> None:
    large = unit.config("large", a="x" * 900_000)
    assert unit.put(large).ok
    unit.target.close()
    unit.open()
    assert unit.plan(large).is_empty


def test_one_that_is_too_large_is_told_and_stops_no_other(unit: ClusterUnit) -> None:
    changes = unit.put(unit.config("huge", a="x" * 3_000_000), unit.config(a="1"))
    (failed,) = [r for r in changes.results if not r.ok]
    assert failed.id.endswith("/huge")
    assert len(failed.detail) <= 1_000
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1"}


def test_a_right_that_is_missing_is_told_at_its_objects_and_stops_no_other() -> None:
    with running(users={"some": ()}) as cluster, cluster.client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": "own"}}).raise_for_status()
        core = {"apiGroups": ["", "coordination.k8s.io"], "resources": ["*"], "verbs": ["*"]}
        role = f"/apis/{GROUP}/v1/clusterroles"
        client.post(role, json={"metadata": {"name": "some"}, "rules": [core]}).raise_for_status()
        bound = {
            "metadata": {"name": "some"},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "some"},
            "subjects": [{"kind": "User", "name": "some", "apiGroup": GROUP}],
        }
        client.post(f"/apis/{GROUP}/v1/clusterrolebindings", json=bound).raise_for_status()
        with cluster_unit(cluster, "own", user="some") as unit:
            changes = unit.put(unit.deployment(), unit.config(a="1"))
            (failed,) = [r for r in changes.results if not r.ok]
            assert failed.id == "Deployment.apps/own/web"
            assert 'cannot list resource "deployments"' in failed.detail
            assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1"}
            assert {h.id: h.state for h in unit.target.health("shop")}[failed.id] is HealthState.UNKNOWN
            assert failed.id not in unit.target.observe("shop").inventory
            core["apiGroups"].append("apps")
            body = {"rules": [core]}
            client.patch(f"{role}/some", json=body, headers={"Content-Type": MERGE}).raise_for_status()
            soon(lambda: unit.put(unit.deployment(), unit.config(a="1")).ok, "the right is there", 60)
            core["apiGroups"].remove("apps")
            client.patch(f"{role}/some", json=body, headers={"Content-Type": MERGE}).raise_for_status()
            cluster.restart()  # or the watch would go on: rights are looked at when it begins
            soon(lambda: not rest(unit).ok, "the right is gone", 60)
            assert unit.ask("GET", f"{unit.deployments}/web")["spec"]["replicas"] == 2
            assert unit.put(unit.config(a="3")).ok  # what left Git cannot be seen, and is not deleted
            assert unit.ask("GET", f"{unit.deployments}/web")["spec"]["replicas"] == 2


def rest(unit: ClusterUnit) -> ChangeSet:
    try:
        return unit.put(unit.deployment(image="shop:2"), unit.config(a="2"))
    except Retryable:
        return ChangeSet("shop", "k", "", 0, (), "applied")  # the server is not back
