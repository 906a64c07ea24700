"""How full claims are, as kubelets say: a real API server, and a kubelet of the test's that answers over TLS as real ones do."""

from __future__ import annotations

import http.server
import json
import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, cluster_unit

from reconciler.adapters.targets.kubernetes import volumes
from reconciler.documents.installation_parts import VolumeSettings
from reconciler.model.troubles import TroubleKind

pytestmark = pytest.mark.peer
GIB = 1 << 30
STATUS = "application/merge-patch+json"


@dataclass
class Kubelet:
    """Answers /stats/summary to who shows a token."""

    port: int = 0
    pods: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    status: int = 200

    def says(self, space: str, claim: str, left: int, inodes_left: int = 1_000) -> None:
        volume = {
            "name": "data", "pvcRef": {"namespace": space, "name": claim}, "capacityBytes": 10 * GIB, "availableBytes": left,
            "usedBytes": 10 * GIB - left, "inodes": 1_000, "inodesFree": inodes_left,
        }  # fmt: skip
        self.pods = [{"podRef": {"name": "db-0", "namespace": space}, "volume": [volume, {"name": "token", "usedBytes": 1}]}]


@contextmanager
def listening(cluster: Cluster, made: Kubelet) -> Iterator[None]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            known = self.headers.get("Authorization", "").startswith("Bearer ")
            body = json.dumps({"node": {}, "pods": made.pods}).encode()
            self.send_response(made.status if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cluster.folder / "server.crt", cluster.folder / "server.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    made.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def kubelet(api_server: Cluster) -> Iterator[Kubelet]:
    made = Kubelet()
    with listening(api_server, made):
        yield made


@pytest.fixture
def unit(api_server: Cluster, namespace: str, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterUnit]:
    """A claim that a pod on the node of that kubelet mounts. What kubelets say is never old here."""
    monkeypatch.setattr(volumes, "EVERY_MS", 0)
    with cluster_unit(api_server, namespace) as made, api_server.client() as client:
        reopen(made, VolumeSettings())
        node = {"metadata": {"name": namespace}, "apiVersion": "v1", "kind": "Node"}
        client.post("/api/v1/nodes", json=node).raise_for_status()
        status = {
            "addresses": [{"type": "Hostname", "address": "node"}, {"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
        }
        made.ask("PATCH", f"/api/v1/nodes/{namespace}/status", {"status": status}, STATUS)
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
    assert "Certificate" in next(r.fields["why"] for r in caplog.records if r.msg == "kubernetes.volumes")
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
