"""Nodes and pods: a disruption budget is never broken, nothing is deleted, and who stays is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.controlplane import Cluster
from kubernetes_acts import ActingUnit, acting
from kubernetes_unit import cluster_unit, soon

from reconciler.errors import Permanent
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> Iterator[ActingUnit]:
    with acting(whole_cluster, namespace) as made:
        yield made


def test_a_drained_node_is_empty_and_its_pods_run_elsewhere(unit: ActingUnit) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound(), unit.budget(1))
    other = unit.add_node()
    soon(lambda: unit.do("drain", node, "look", dry_run=True).ok, "the budget knows its pods")
    acted = unit.do("drain", node)
    assert (acted.ok, acted.reason) == (True, Reason.APPLIED)
    assert "2 pods have gone" in acted.detail
    assert unit.node(node)["spec"]["unschedulable"] is True
    soon(lambda: [p["spec"]["nodeName"] for p in unit.running()] == [other, other], "both run on the other node")
    unit.reopen()
    assert unit.do("drain", node).reason == Reason.DUPLICATE


def test_a_drain_that_would_break_a_budget_is_refused_and_nothing_is_done(unit: ActingUnit) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound(), unit.budget(2))
    before = sorted(p["metadata"]["uid"] for p in unit.running())
    for dry_run in (True, False):
        told = unit.do("drain", node, dry_run=dry_run)
        assert not told.ok
        assert "disruption budget" in told.detail
    assert "unschedulable" not in unit.node(node)["spec"]
    assert sorted(p["metadata"]["uid"] for p in unit.running()) == before


def test_a_drain_that_a_budget_stops_half_way_ends_in_time_and_says_how_far_it_came(
    whole_cluster: Cluster, namespace: str
) -> None:
    with acting(whole_cluster, namespace, drain_ms=2_000) as unit:
        node = unit.add_node()
        unit.run_all(unit.bound(), unit.budget(1))  # no other node: the second pod has to stay
        soon(lambda: unit.do("drain", node, "look", dry_run=True).ok, "the budget knows its pods")
        with pytest.raises(Permanent, match=r"not drained after 2 s: cordoned; 1 of 2 pods have gone.*disruption budget"):
            unit.do("drain", node)
        assert len(unit.running()) == 1
        unit.reopen()
        with pytest.raises(Permanent, match="its end is not known: cordoned; 1 of 2 pods have gone"):
            unit.do("drain", node)
        assert len(unit.running()) == 1


def test_a_drain_leaves_pods_of_daemon_sets_and_the_nodes_own(unit: ActingUnit) -> None:
    node = unit.add_node()
    daemon = unit.bound()
    del daemon["spec"]["replicas"]
    unit.run_all({**daemon, "kind": "DaemonSet"}, pods=1)
    own = {"kubernetes.io/config.mirror": "x", "kubernetes.io/config.source": "file"}
    metadata = {"name": "own", "namespace": unit.space, "annotations": own}
    reference = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": unit.node(node)["metadata"]["uid"], "controller": True}
    spec = {"nodeName": node, "containers": [{"name": "a", "image": "a:1"}]}
    pod = {"metadata": {**metadata, "ownerReferences": [reference]}, "spec": spec}
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/pods", pod)
    assert "0 pods have gone, 2 of DaemonSets or the node itself stay" in unit.do("drain", node).detail
    assert len(unit.running()) == 1


def test_data_on_the_node_is_only_lost_when_the_act_says_so(unit: ActingUnit) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound(volumes=[{"name": "scratch", "emptyDir": {}}]))
    assert "drain-with-local-data" in unit.do("drain", node).detail
    assert len(unit.running()) == 2
    assert unit.do("drain-with-local-data", node, "two").ok


def test_a_pod_that_nobody_makes_again_is_in_the_way(unit: ActingUnit) -> None:
    node = unit.add_node()
    pod = {"metadata": {"name": "lone"}, "spec": {"nodeName": node, "containers": [{"name": "a", "image": "a:1"}]}}
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/pods", pod)
    assert "lone belongs to no controller" in unit.do("drain", node, dry_run=True).detail


def test_a_node_is_cordoned_and_uncordoned_once_each(unit: ActingUnit) -> None:
    node = unit.add_node()
    assert unit.do("cordon", node).ok
    assert unit.node(node)["spec"]["unschedulable"] is True
    assert "cordoned already" in unit.do("cordon", node, "two").detail
    assert unit.do("uncordon", node, "three").ok
    assert "unschedulable" not in unit.node(node)["spec"]
    assert unit.do("cordon", node).reason == Reason.DUPLICATE  # its mark has been written over, the record knows


def test_a_unit_that_the_settings_do_not_name_touches_no_node(whole_cluster: Cluster, namespace: str) -> None:
    with cluster_unit(whole_cluster, namespace) as unit:
        for action in ("cordon", "uncordon", "drain", "drain-with-local-data"):
            told = unit.target.operate(Act(action, "shop", action, "node-0"), dry_run=False)
            assert not told.ok
            assert "nodeUnits" in told.detail


def test_a_pod_is_evicted_only_by_the_unit_that_made_it_and_within_its_budget(unit: ActingUnit) -> None:
    unit.run_all(unit.deployment(), unit.budget(2))
    pod = unit.running()[0]["metadata"]["name"]
    assert "no live pod" in unit.target.operate(Act("other", "edge", "evict", pod), dry_run=False).detail
    stray = {"metadata": {"name": "stray"}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/pods", stray)
    assert "no live pod" in unit.do("evict", "stray").detail
    soon(lambda: "disruption budget" in unit.do("evict", pod).detail, "the budget counts its pods")
    unit.put(unit.deployment(), unit.budget(1))
    soon(lambda: unit.do("evict", pod, dry_run=True).ok, "the budget allows one")
    assert unit.do("evict", pod).ok
    soon(lambda: pod not in {p["metadata"]["name"] for p in unit.pods()}, "it has gone")
    assert unit.do("evict", pod).reason == Reason.DUPLICATE
