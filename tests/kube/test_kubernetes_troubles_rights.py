"""A right that is missing hides no trouble: it is told with the right's name, and nothing else is held up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import kubernetes_nodes as node
import pytest
import yaml
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, cluster_unit, soon

from reconciler.errors import Permanent, Retryable
from reconciler.model.troubles import TroubleKind as K

pytestmark = pytest.mark.peer
GROUP = "rbac.authorization.k8s.io"
ALL_BUT_PODS = {
    "": ["configmaps", "namespaces", "persistentvolumeclaims", "resourcequotas"],
    "apps": ["deployments", "statefulsets"],
    "batch": ["cronjobs"],
    "coordination.k8s.io": ["leases"],
}


@contextmanager
def account(cluster: Cluster, space: str, *rules: tuple[str, Sequence[str]]) -> Iterator[ClusterUnit]:
    """A target that speaks as a service account with these rights, and those that it needs to converge."""
    granted = [{"apiGroups": [group], "resources": names, "verbs": ["*"]} for group, names in ALL_BUT_PODS.items()]
    granted += [{"apiGroups": [group], "resources": names, "verbs": ["get", "list"]} for group, names in rules]
    subject = {"kind": "ServiceAccount", "name": "homeostat", "namespace": space}
    with cluster.client() as admin:

        def post(path: str, body: Any) -> Any:
            answer = admin.post(path, json=body)
            answer.raise_for_status()
            return answer.json()

        post(f"/api/v1/namespaces/{space}/serviceaccounts", {"metadata": {"name": "homeostat"}})
        post(f"/apis/{GROUP}/v1/clusterroles", {"metadata": {"name": space}, "rules": granted})
        role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": space}
        bound = {"metadata": {"name": space}, "roleRef": role, "subjects": [subject]}
        post(f"/apis/{GROUP}/v1/clusterrolebindings", bound)
        asked = f"/api/v1/namespaces/{space}/serviceaccounts/homeostat/token"
        token = post(asked, {"spec": {"expirationSeconds": 3_600}})["status"]["token"]
    config = yaml.safe_load(cluster.kubeconfig().read_text())
    config["users"] = [{"name": "admin", "user": {"token": token}}]
    own = cluster.folder / f"{space}.kubeconfig"
    own.write_text(yaml.safe_dump(config))
    with cluster_unit(cluster, space) as made:
        made.target.close()
        made.settings = made.settings.model_copy(update={"kubeconfig": str(own)})
        made.open()
        yield made


def stuck(unit: ClusterUnit) -> None:
    made = unit.deployment(replicas=1)
    made["spec"]["progressDeadlineSeconds"] = 1
    made["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "golden"}
    soon(lambda: unit.put(made).ok, "the rights have arrived")


def test_pods_that_may_not_be_listed_are_told_with_the_right_that_is_missing(whole_cluster: Cluster, namespace: str) -> None:
    with account(whole_cluster, namespace, ("", ["events", "nodes"])) as unit:
        stuck(unit)
        (trouble,) = node.told(unit, K.STUCK_ROLLOUT)
    assert "the right to list pods is missing" in trouble.detail
    assert 'cannot list resource "pods"' in trouble.detail


def test_events_that_may_not_be_listed_leave_what_the_pods_say(whole_cluster: Cluster, namespace: str) -> None:
    with account(whole_cluster, namespace, ("", ["pods", "nodes"])) as unit:
        stuck(unit)
        (trouble,) = node.told(unit, K.NO_PLACE)
    assert "right" not in trouble.detail


def test_without_any_right_each_word_that_needs_none_is_told(whole_cluster: Cluster, namespace: str) -> None:
    with account(whole_cluster, namespace) as unit:
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "0"}}}
        metadata = {"name": "none", "namespace": unit.space}
        soon(lambda: unit.put({**quota, "metadata": metadata}).ok, "the rights have arrived")
        path = f"/api/v1/namespaces/{unit.space}/resourcequotas/none"
        soon(lambda: "hard" in unit.ask("GET", path).get("status", {}), "counted")
        assert unit.put({**quota, "metadata": metadata}, unit.deployment()).ok
        (trouble,) = node.told(unit, K.QUOTA)
    assert "exceeded quota: none" in trouble.detail


def test_a_kind_that_may_not_be_watched_any_more_hides_nothing_else(whole_cluster: Cluster, namespace: str) -> None:
    with account(whole_cluster, namespace, ("", ["pods", "nodes", "events"])) as unit:
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": unit.space}, "spec": {}}
        made = unit.deployment(replicas=1)
        made["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "golden"}
        soon(lambda: unit.put(quota, made).ok, "the rights have arrived")
        unit.target.close()
        role = f"/apis/{GROUP}/v1/clusterroles/{unit.space}"
        rules = unit.ask("GET", role)["rules"]
        rules[0]["resources"].remove("resourcequotas")
        unit.patch(role, {"rules": rules})
        unit.open()

        def told() -> bool:
            with contextlib.suppress(Retryable):
                return [t.kind for t in unit.target.troubles(["shop"])] == [K.NO_PLACE]
            return False

        soon(told, "the Deployment is told")


def test_a_record_that_somebody_broke_hides_nothing_that_is_held(whole_cluster: Cluster, namespace: str) -> None:
    with account(whole_cluster, namespace, ("", ["pods", "nodes", "events"])) as unit:
        stuck(unit)
        node.told(unit, K.NO_PLACE)
        unit.patch(f"{unit.configs}/homeostat-unit-shop", {"data": {"generation": "many"}})
        unit.target._records.forget()
        with pytest.raises(Permanent):
            unit.target.observe("shop")
        node.told(unit, K.NO_PLACE)
