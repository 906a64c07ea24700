"""What is wrong with one thing is told at that thing, and stops nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.controlplane import Cluster, running
from kubernetes_unit import ClusterUnit, cluster_unit, crd, desired, thing

from reconciler.errors import Permanent, Retryable
from reconciler.model.revisions import DesiredObject, Rendered

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
