"""The tree of a unit on a real cluster: from what it declares to the container that fails."""

from __future__ import annotations

import kubernetes_nodes as node
import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, cluster_unit, soon
from test_kubernetes_troubles_rights import account, stuck

from reconciler.model.revisions import HealthState
from reconciler.model.trees import Branch, Tree

pytestmark = pytest.mark.peer


def look(unit: ClusterUnit, *, whole: bool = False) -> Tree:
    return unit.target.tree("shop", lambda text: text.replace("hunter22", "(hidden)"), whole=whole)


def kinds(tree: Tree) -> list[str]:
    return [branch.id.split("/")[0] for top in tree.branches for branch in top.walk()]


def leaf(tree: Tree) -> Branch:
    return next(branch for top in tree.branches for branch in top.walk() if branch.id.startswith("Pod/") and not branch.fine)


def test_a_failing_container_is_found_below_its_deployment_and_what_is_well_is_folded(
    whole_cluster: Cluster, namespace: str
) -> None:
    with cluster_unit(whole_cluster, namespace) as unit:
        assert unit.put(unit.deployment(), unit.config(a="1")).ok
        bad = node.running(unit, 2)[0]
        node.fail(unit, bad, restartCount=4, **node.waiting("CrashLoopBackOff"), **node.ended(1, "Error"))
        node.warn(unit, bad, "BackOff", "Back-off restarting\x1b[2J with hunter22")
        soon(lambda: not look(unit).fine and "Pod" in kinds(look(unit)), "the tree shows the pod")
        tree = look(unit)
    assert kinds(tree) == ["Deployment.apps", "ReplicaSet.apps", "Pod"]
    assert tree.folded == 1
    found = leaf(tree)
    assert found.id == f"Pod/{namespace}/{bad['metadata']['name']}"
    assert "Back-off restarting [2J with (hidden)" in [event.message for event in found.events]
    (log,) = found.logs
    assert (log.container, log.previous, log.lines) == ("web", True, ())
    assert log.note.startswith("its log cannot be read: ")
    assert "media types" not in log.note  # the node is asked, and there is none behind it


def test_the_whole_tree_shows_what_is_well_down_to_endpoints_and_claims(whole_cluster: Cluster, namespace: str) -> None:
    with cluster_unit(whole_cluster, namespace) as unit:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
        }
        assert unit.put(unit.deployment(), service).ok
        node.running(unit, 2)
        soon(lambda: "EndpointSlice.discovery.k8s.io" in kinds(look(unit, whole=True)), "the service has endpoints")
        soon(lambda: look(unit).fine, "everything is well")
        assert look(unit).branches == ()
        found = kinds(look(unit, whole=True))
    assert found == ["Deployment.apps", "ReplicaSet.apps", "Pod", "Pod", "Service", "EndpointSlice.discovery.k8s.io"]


def test_a_unit_that_is_well_costs_no_request(whole_cluster: Cluster, namespace: str) -> None:
    with cluster_unit(whole_cluster, namespace) as unit:
        assert unit.put(unit.config(a="1")).ok
        before = unit.target.requests
        assert look(unit).folded == 1
        assert unit.target.requests == before


def test_an_object_that_is_gone_is_missing(whole_cluster: Cluster, namespace: str) -> None:
    with cluster_unit(whole_cluster, namespace) as unit:
        assert unit.put(unit.config(a="1")).ok
        unit.ask("DELETE", f"{unit.configs}/settings")
        soon(lambda: [b.state for b in look(unit).branches] == [HealthState.MISSING], "it is missing")


def test_what_may_not_be_read_says_so_in_its_place(whole_cluster: Cluster, namespace: str) -> None:
    with account(whole_cluster, namespace, ("apps", ["replicasets"]), ("", ["pods"])) as unit:
        stuck(unit)
        soon(lambda: "Pod" in kinds(look(unit)), "the pod is there")
        found = leaf(look(unit))
        pod = node.pods(unit)[0]
        node.fail(unit, pod, restartCount=4, **node.waiting("CrashLoopBackOff"), **node.ended(1, "Error"))
        soon(lambda: bool(leaf(look(unit)).logs), "the container has failed")
        log = leaf(look(unit)).logs[0]
    assert "the right to list events is missing" in found.note
    assert "the right to get pods/log is missing" in log.note
