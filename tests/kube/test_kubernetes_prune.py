"""Nothing is deleted that something else still needs, and nothing but what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, cluster_unit, crd, thing

from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def remove_all(unit: ClusterUnit) -> ChangeSet:
    unit.generation += 1
    return unit.target.apply(unit.plan())


def test_a_config_map_that_a_pod_uses_stays_until_the_pod_is_gone(unit: ClusterUnit) -> None:
    unit.put(unit.config(a="1"))
    pods = f"/api/v1/namespaces/{unit.space}/pods"
    unit.ask("POST", pods, _pod({"volumes": [{"name": "v", "configMap": {"name": "settings"}}]}))
    changes = remove_all(unit)
    assert [(r.reason, r.detail) for r in changes.results] == [(Reason.WAITING, "kept for now: pod one uses it")]
    unit.ask("DELETE", pods + "/one?gracePeriodSeconds=0")
    assert remove_all(unit).ok
    assert not unit.target.observe("shop").objects


def test_a_definition_with_instances_of_others_stays(unit: ClusterUnit) -> None:
    group = f"{unit.space}.example.com"
    unit.put(crd(group))
    unit.ask("POST", f"/apis/{group}/v1/namespaces/{unit.space}/things", thing(group, unit.space))
    (result,) = remove_all(unit).results
    assert result.reason == Reason.WAITING
    assert f"Thing.{group}/{unit.space}/one" in result.detail


def test_a_namespace_with_objects_of_others_stays(unit: ClusterUnit) -> None:
    name = unit.space + "-x"
    unit.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    config = unit.config("theirs", a="1")
    config["metadata"]["namespace"] = name
    unit.ask("POST", f"/api/v1/namespaces/{name}/configmaps", config)
    (result,) = remove_all(unit).results
    assert result.detail == f"kept for now: ConfigMap/{name}/theirs is in it and stays"
    unit.ask("DELETE", f"/api/v1/namespaces/{name}/configmaps/theirs")
    assert remove_all(unit).ok


def test_an_object_that_was_replaced_since_it_was_seen_is_not_deleted(unit: ClusterUnit) -> None:
    unit.put(unit.config(a="1"))
    unit.generation += 1
    plan = unit.plan()
    unit.ask("DELETE", f"{unit.configs}/settings")
    unit.ask("POST", unit.configs, unit.config(a="theirs"))
    assert unit.target.apply(plan).ok
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "theirs"}


def _pod(more: dict[str, Any]) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "i"}], **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": spec}
