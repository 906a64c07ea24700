"""How full claims are, as kubelets say: a real API server, and a kubelet of the test's that answers over TLS as real ones do."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubelets import GIB, Kubelet, listening, node_of
from kubernetes_unit import ClusterUnit, cluster_unit

from reconciler.adapters.targets.kubernetes import volumes
from reconciler.documents.installation_parts import VolumeSettings
from reconciler.model.troubles import TroubleKind

pytestmark = pytest.mark.peer


@pytest.fixture
def kubelet(api_server: Cluster) -> Iterator[Kubelet]:
    with listening(api_server) as made:
        yield made


@pytest.fixture
def unit(api_server: Cluster, namespace: str, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterUnit]:
    """A claim that a pod on the node of that kubelet mounts. What kubelets say is never old here."""
    monkeypatch.setattr(volumes, "EVERY_MS", 0)
    with cluster_unit(api_server, namespace) as made:
        reopen(made, VolumeSettings())
        node_of(api_server, made, kubelet)
        made.ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod(namespace))
        assert made.put(claim(namespace)).ok
        yield made


def reopen(unit: ClusterUnit, wanted: VolumeSettings | None) -> None:
    unit.target.close()
    unit.settings = unit.settings.model_copy(update={"volumes": wanted})
    unit.open()


def claim(space: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, "volumeName": "pv-1"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": space}, "spec": spec}


def pod(space: str) -> dict[str, Any]:
    mounted = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    spec = {"nodeName": space, "containers": [{"name": "db", "image": "db:1"}], "volumes": mounted}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "namespace": space}, "spec": spec}


def filling(unit: ClusterUnit) -> list[tuple[str, str, str]]:
    found = [t for t in unit.target.troubles(["shop"]) if t.kind is TroubleKind.VOLUME_FILLING]
    return [(t.object.replace(unit.space, "shop"), t.leaf.replace(unit.space, "shop"), t.detail) for t in found]


DATA = "PersistentVolumeClaim/shop/data"


def test_a_claim_that_is_nearly_full_is_told_and_no_longer_when_it_is_not(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.says(unit.space, "data", left=2 * GIB)
    assert filling(unit) == []
    kubelet.says(unit.space, "data", left=GIB // 2)
    assert filling(unit) == [(DATA, DATA, "95 % of 10.0 GiB is used")]
    since = {t.since_ms for t in unit.target.troubles(["shop"])}
    assert {t.since_ms for t in unit.target.troubles(["shop"])} == since
    kubelet.says(unit.space, "data", left=5 * GIB)
    assert filling(unit) == []


def test_inodes_run_out_as_well(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.says(unit.space, "data", left=9 * GIB, inodes_left=30)
    assert filling(unit) == [(DATA, DATA, "10 % of 10.0 GiB is used, 97 % of its inodes")]


def test_a_claim_of_somebody_else_is_not_told(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.says(unit.space, "other", left=0)
    assert filling(unit) == []
    kubelet.says("elsewhere", "data", left=0)
    assert filling(unit) == []


def test_a_claim_that_a_stateful_set_made_is_told_of_that(unit: ClusterUnit, kubelet: Kubelet) -> None:
    made = unit.deployment(replicas=0)
    made["kind"], made["metadata"]["name"] = "StatefulSet", "db"
    made["spec"]["serviceName"] = "db"
    assert unit.put(claim(unit.space), made).ok
    kubelet.says(unit.space, "data-db-0", left=0)
    assert filling(unit) == [("StatefulSet.apps/shop/db", "PersistentVolumeClaim/shop/data-db-0", "100 % of 10.0 GiB is used")]


@pytest.mark.parametrize("status", [403, 500])
def test_a_kubelet_that_refuses_is_logged_once_and_what_it_said_still_counts(
    unit: ClusterUnit, kubelet: Kubelet, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    kubelet.says(unit.space, "data", left=0)
    assert len(filling(unit)) == 1
    kubelet.status = status
    with caplog.at_level(logging.WARNING, logger="homeostat"):
        assert len(filling(unit)) == 1
        filling(unit)
    said = [r.fields for r in caplog.records if r.msg == "kubernetes.volumes"]
    assert len(said) == 1
    assert f"answers {status}" in said[0]["why"]


def test_what_a_silent_kubelet_said_is_forgotten_at_last(
    unit: ClusterUnit, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubelet.says(unit.space, "data", left=0)
    assert len(filling(unit)) == 1
    kubelet.status = 503
    monkeypatch.setattr(volumes, "STALE_MS", 0)
    assert filling(unit) == []


def test_a_kubelet_with_a_certificate_of_its_own_making_is_asked_only_when_the_settings_say_so(
    unit: ClusterUnit, kubelet: Kubelet, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubelet.says(unit.space, "data", left=0)
    unit.target.close()
    unit.open()
    api = unit.target._api
    unit.target._troubles._volumes._tls = ssl.create_default_context()  # what signed its certificate is not known
    assert filling(unit) == []
    assert kubelet.asked == []
    assert "certificate verify failed" in next(r.fields["why"] for r in caplog.records if r.msg == "kubernetes.volumes")
    reopen(unit, VolumeSettings(unchecked_certificates=True))
    assert unit.target._api is not api
    assert len(filling(unit)) == 1


def test_nobody_is_asked_unless_the_settings_say_so(unit: ClusterUnit, kubelet: Kubelet) -> None:
    reopen(unit, None)
    kubelet.says(unit.space, "data", left=0)
    assert filling(unit) == []
    assert kubelet.asked == []


def test_kubelets_are_asked_once_a_minute(unit: ClusterUnit, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "EVERY_MS", 60_000)
    kubelet.says(unit.space, "data", left=0)
    for _ in range(3):
        assert len(filling(unit)) == 1
    assert kubelet.asked == ["/stats/summary"]
