"""What is wrong with an object that is not healthy, in one word and as the cluster itself says it; what is well costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes_nodes as node
import pytest
from cluster.controlplane import Cluster
from cluster.proxy import proxied
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit, soon

from reconciler.errors import Retryable
from reconciler.model.revisions import HealthState
from reconciler.model.troubles import TroubleKind as K

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(whole_cluster, namespace) as made:
        yield made


def deployed(unit: ClusterUnit, replicas: int = 2) -> list[Any]:
    assert unit.put(unit.deployment(replicas=replicas)).ok
    return node.running(unit, replicas)


def healthy(unit: ClusterUnit) -> bool:
    return all(h.state is HealthState.HEALTHY for h in unit.target.health("shop"))


def claim(unit: ClusterUnit, storage: str | None = None) -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": "data", "namespace": unit.space}
    named = {"storageClassName": storage} if storage is not None else {}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {**spec, **named}}


def stateful(unit: ClusterUnit) -> Manifest:
    made = unit.deployment(replicas=1)
    made["kind"] = "StatefulSet"
    made["spec"]["serviceName"] = "web"
    return made


def test_what_is_healthy_costs_no_request(unit: ClusterUnit) -> None:
    deployed(unit)
    assert unit.put(unit.deployment(), unit.config(a="1")).ok
    soon(lambda: healthy(unit), "everything is healthy")
    before = unit.target.requests
    assert unit.target.troubles(["shop"]) == []
    assert unit.target.requests == before


def test_an_image_that_cannot_be_had(unit: ClusterUnit) -> None:
    first, _ = deployed(unit)
    node.fail(unit, first, **node.waiting("ImagePullBackOff", 'Back-off pulling image "shop:1"'))
    (trouble,) = node.told(unit, K.IMAGE_PULL)
    assert (trouble.unit, trouble.object, trouble.component) == ("shop", f"Deployment.apps/{unit.space}/web", "web")
    assert trouble.leaf == f"Pod/{unit.space}/{first['metadata']['name']}"
    assert (trouble.container, trouble.detail) == ("web", 'ImagePullBackOff: Back-off pulling image "shop:1"')


def test_a_broken_object_costs_a_few_requests_and_none_when_it_is_well_again(unit: ClusterUnit) -> None:
    first, _ = deployed(unit)
    node.fail(unit, first, **node.waiting("ImagePullBackOff"))
    node.told(unit, K.IMAGE_PULL)
    before = unit.target.requests
    unit.target.troubles(["shop"])
    assert unit.target.requests - before == 3  # itself, its pods, the warnings of its namespace
    unit.ask("DELETE", f"/api/v1/namespaces/{unit.space}/pods/{first['metadata']['name']}")
    soon(lambda: healthy(unit), "a new pod runs")
    before = unit.target.requests
    assert unit.target.troubles(["shop"]) == []
    assert unit.target.requests == before


def test_a_container_that_ends_again_and_again(unit: ClusterUnit) -> None:
    first, second = deployed(unit)
    for pod in (first, second):
        node.fail(unit, pod, restartCount=5, **node.waiting("CrashLoopBackOff"), **node.ended(1, "Error"))
    (trouble,) = node.told(unit, K.CRASH_LOOP)
    assert trouble.detail == "5 restarts, the last end: exit 1 (Error)"


def test_one_that_its_node_kills_because_of_its_probe(unit: ClusterUnit) -> None:
    (only,) = deployed(unit, 1)
    node.fail(unit, only, restartCount=5, **node.waiting("CrashLoopBackOff"), **node.ended(137, "Error"))
    node.warn(unit, only, "Unhealthy", "Liveness probe failed: \x1b[31mHTTP probe failed\nwith statuscode: 500")
    (trouble,) = node.told(unit, K.LIVENESS)
    assert "HTTP probe failed with statuscode: 500; 5 restarts" in trouble.detail
    assert trouble.detail.isprintable()


def test_one_that_took_more_memory_than_it_may(unit: ClusterUnit) -> None:
    (only,) = deployed(unit, 1)
    node.fail(unit, only, restartCount=5, **node.waiting("CrashLoopBackOff"), **node.ended(137, "OOMKilled"))
    (trouble,) = node.told(unit, K.OUT_OF_MEMORY)
    assert trouble.container == "web"


def test_pods_that_a_quota_does_not_let_in(unit: ClusterUnit) -> None:
    metadata = {"name": "small", "namespace": unit.space}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "1"}}}
    assert unit.put(quota).ok
    soon(lambda: "hard" in unit.ask("GET", f"/api/v1/namespaces/{unit.space}/resourcequotas/small").get("status", {}), "counted")
    assert unit.put(quota, unit.deployment()).ok
    (trouble,) = node.told(unit, K.QUOTA)
    assert (trouble.container, trouble.component) == ("", "web")
    assert "exceeded quota: small" in trouble.detail


def test_pods_that_are_refused_are_told_from_the_events_of_what_makes_them(unit: ClusterUnit) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    unit.ask("PATCH", f"/api/v1/namespaces/{unit.space}", label, "application/merge-patch+json")
    assert unit.put(stateful(unit)).ok
    (trouble,) = node.told(unit, K.REFUSED)
    assert "violates PodSecurity" in trouble.detail


def test_pods_for_which_no_node_has_room_or_fits(unit: ClusterUnit) -> None:
    huge, lost = unit.deployment(replicas=1), unit.deployment(replicas=1)
    huge["metadata"]["name"] = "huge"
    for made, change in ((huge, {"app": "huge"}), (lost, {"app": "web"})):
        made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = change
    huge["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "5000"}}
    lost["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "golden"}
    assert unit.put(huge, lost).ok
    room, place = node.until(unit, lambda found: {t.kind for t in found} == {K.NO_ROOM, K.NO_PLACE}, "both wait")
    assert (room.component, place.component) == ("huge", "web")
    assert "Insufficient cpu" in room.detail
    assert "node affinity/selector" in place.detail


def test_a_claim_that_nothing_binds_and_the_pod_that_waits_for_it(unit: ClusterUnit) -> None:
    made = unit.deployment(replicas=1)
    made["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    assert unit.put(claim(unit, ""), made).ok
    pod, volume = node.told(unit, K.NO_VOLUME, K.NO_VOLUME)
    assert "unbound immediate PersistentVolumeClaims" in pod.detail
    assert volume.object == f"PersistentVolumeClaim/{unit.space}/data"
    soon(lambda: "no persistent volumes available" in unit.target.troubles(["shop"])[1].detail, "its event says why")


def test_a_claim_that_waits_for_its_first_pod_is_no_trouble(unit: ClusterUnit) -> None:
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": unit.space},
        "provisioner": "example.com/none",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    unit.ask("POST", "/apis/storage.k8s.io/v1/storageclasses", storage)
    assert unit.put(claim(unit, unit.space)).ok
    node.told(unit)


def test_a_rollout_that_nothing_explains_is_stuck(unit: ClusterUnit) -> None:
    made = unit.deployment(replicas=1)
    made["spec"]["progressDeadlineSeconds"] = 1
    made["spec"]["minReadySeconds"] = 0
    made["spec"]["template"]["spec"]["schedulerName"] = "nobody"  # its pod is never looked at
    assert unit.put(made).ok
    (trouble,) = node.told(unit, K.STUCK_ROLLOUT)
    assert trouble.detail.startswith("ProgressDeadlineExceeded: ReplicaSet")


def test_many_broken_objects_of_a_namespace_are_asked_for_together(unit: ClusterUnit) -> None:
    made = []
    for number in range(6):
        one = unit.deployment(replicas=1)
        one["metadata"]["name"] = one["spec"]["template"]["metadata"]["labels"]["app"] = f"web{number}"
        one["spec"]["selector"]["matchLabels"]["app"] = f"web{number}"
        one["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "golden"}
        made.append(one)
    assert unit.put(*made).ok
    node.told(unit, *[K.NO_PLACE] * 6)
    before = unit.target.requests
    assert [t.component for t in unit.target.troubles(["shop"])] == [f"web{n}" for n in range(6)]
    assert unit.target.requests - before == 3  # the Deployments, the pods, the warnings


def test_a_node_that_is_short_of_memory_explains_a_pod_that_nothing_else_explains(unit: ClusterUnit) -> None:
    (only,) = deployed(unit, 1)
    where = only["spec"]["nodeName"]
    pressure = {"type": "MemoryPressure", "status": "True", "reason": "KubeletHasInsufficientMemory", "message": "too little"}
    well = {**pressure, "status": "False"}
    node.fail(unit, only, ready=True, state={"running": {}})
    try:
        unit.ask("PATCH", f"/api/v1/nodes/{where}/status", {"status": {"conditions": [pressure]}}, node.STRATEGIC)
        (trouble,) = node.told(unit, K.NODE_PRESSURE)
        assert (trouble.leaf, trouble.component) == (f"Node/{where}", "web")
    finally:
        unit.ask("PATCH", f"/api/v1/nodes/{where}/status", {"status": {"conditions": [well]}}, node.STRATEGIC)


def test_a_server_that_cannot_be_reached_is_no_cluster_without_troubles(whole_cluster: Cluster, namespace: str) -> None:
    with proxied(whole_cluster.port) as network, cluster_unit(whole_cluster, namespace, url=network.url) as unit:
        (only,) = deployed(unit, 1)
        node.fail(unit, only, **node.waiting("ImagePullBackOff"))
        node.told(unit, K.IMAGE_PULL)
        network.cut()
        with pytest.raises(Retryable):
            unit.target.troubles(["shop"])
