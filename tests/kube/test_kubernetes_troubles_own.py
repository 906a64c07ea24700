"""Troubles that an object's own status tells: Jobs, scalers, certificates, limits. Only the why behind them costs a request."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import kubernetes_nodes as node
import pytest
from cluster.controlplane import Cluster
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from kubernetes_unit import MERGE, ClusterUnit, Manifest, cluster_unit, soon

from reconciler.model.revisions import HealthState
from reconciler.model.troubles import TroubleKind as K

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(whole_cluster, namespace) as made:
        yield made


@pytest.fixture
def still(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    """No controllers: statuses stay as they are written."""
    with cluster_unit(api_server, namespace) as made:
        yield made


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def job(unit: ClusterUnit, **more: Any) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "clean", "image": "clean:1"}]}
    template = {"metadata": {"labels": {"app": "clean"}}, "spec": {**pod, **more}}
    metadata = {"name": "clean", "namespace": unit.space}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"backoffLimit": 0, "template": template}}


def test_a_job_that_used_up_its_tries_is_explained_by_its_pod(unit: ClusterUnit) -> None:
    # No node: it stays until the test fails it, as its node would.
    assert unit.put(job(unit, nodeSelector={"disk": "golden"})).ok
    soon(lambda: bool(node.pods(unit, "clean")), "its pod is there")
    (pod,) = node.pods(unit, "clean")
    end = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(0)}}
    failed = {"name": "clean", "image": "clean:1", "imageID": "", "ready": False, "restartCount": 0, "state": end}
    path = f"/api/v1/namespaces/{unit.space}/pods/{pod['metadata']['name']}/status"
    unit.ask("PATCH", path, {"status": {"phase": "Failed", "containerStatuses": [failed]}}, MERGE)
    (trouble,) = node.told(unit, K.OUT_OF_MEMORY)
    assert (trouble.component, trouble.container) == ("clean", "clean")


def test_a_job_whose_time_is_over_has_failed(unit: ClusterUnit) -> None:
    made = job(unit, nodeSelector={"disk": "golden"})
    made["spec"]["activeDeadlineSeconds"] = 1
    assert unit.put(made).ok
    (trouble,) = node.told(unit, K.JOB_FAILED)
    assert trouble.detail.startswith("DeadlineExceeded")


def test_a_scaler_without_metrics(unit: ClusterUnit) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": unit.space},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3, "metrics": [metric]},
    }
    assert unit.put(unit.deployment(), scaler).ok
    found = node.until(unit, lambda found: K.SCALER in [t.kind for t in found], "the scaler cannot scale")
    (trouble,) = [t for t in found if t.kind is K.SCALER]
    assert trouble.object == f"HorizontalPodAutoscaler.autoscaling/{unit.space}/web"
    assert "FailedGet" in trouble.detail


def test_pods_that_a_limit_range_does_not_let_in(unit: ClusterUnit) -> None:
    metadata = {"name": "small", "namespace": unit.space}
    limits = {"limits": [{"type": "Container", "max": {"cpu": "500m"}}]}
    assert unit.put({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": limits}, unit.deployment()).ok
    (trouble,) = node.told(unit, K.QUOTA)
    assert "maximum cpu usage per Container" in trouble.detail


def test_a_cron_job_is_told_by_its_last_run(still: ClusterUnit) -> None:
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": job(still)["spec"]["template"]}}}
    metadata = {"name": "clean", "namespace": still.space}
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}
    assert still.put(cron).ok
    path = f"/apis/batch/v1/namespaces/{still.space}/cronjobs/clean/status"
    still.ask("PATCH", path, {"status": {"lastScheduleTime": ago(30), "lastSuccessfulTime": ago(29)}}, MERGE)
    soon(lambda: still.target.health("shop")[0].state is HealthState.HEALTHY, "it is healthy")
    assert still.target.troubles(["shop"]) == []
    still.ask("PATCH", path, {"status": {"lastScheduleTime": ago(20)}}, MERGE)
    (trouble,) = node.told(still, K.JOB_FAILED)
    assert "was no success" in trouble.detail
    assert [h.state for h in still.target.health("shop")] == [HealthState.DEGRADED]


def tls(unit: ClusterUnit, days: float) -> Manifest:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
    until = datetime.now(UTC) + timedelta(days=days)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, until - timedelta(days=90), until).sign(key, SHA256())
    data = {"tls.crt": base64.b64encode(made.public_bytes(Encoding.PEM)).decode(), "tls.key": base64.b64encode(b"k").decode()}
    metadata = {"name": "shop-tls", "namespace": unit.space}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}


def test_a_certificate_that_git_brings_is_told_before_it_ends_and_costs_no_request(still: ClusterUnit) -> None:
    assert still.put(tls(still, 30)).ok
    assert still.target.troubles(["shop"]) == []
    assert still.put(tls(still, 5)).ok
    before = still.target.requests
    (trouble,) = still.target.troubles(["shop"])
    assert still.target.requests == before
    assert (trouble.kind, trouble.component) == (K.CERTIFICATE, "shop-tls")
    assert trouble.detail.startswith("it is valid until 20")
