"""A kubelet of the test's: a real API server asks it over TLS, and it answers as real ones do."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit

GIB = 1 << 30
STATUS = "application/merge-patch+json"


@dataclass
class Kubelet:
    """Answers /stats/summary to who shows a token, and /containerLogs to the API server, which asks for others."""

    port: int = 0
    pods: list[Any] = field(default_factory=list)
    written: dict[tuple[str, bool], bytes] = field(default_factory=dict)  # by container, and whether it is the one before
    asked: list[str] = field(default_factory=list)
    status: int = 200

    def says(self, space: str, claim: str, left: int, inodes_left: int = 1_000) -> None:
        volume = {
            "name": "data", "pvcRef": {"namespace": space, "name": claim}, "capacityBytes": 10 * GIB, "availableBytes": left,
            "usedBytes": 10 * GIB - left, "inodes": 1_000, "inodesFree": inodes_left,
        }  # fmt: skip
        self.pods = [{"podRef": {"name": "db-0", "namespace": space}, "volume": [volume, {"name": "token", "usedBytes": 1}]}]

    def answer(self, target: str, *, known: bool) -> tuple[int, bytes]:
        self.asked.append(target)
        asked = urllib.parse.urlsplit(target)
        if asked.path.startswith("/containerLogs/"):
            return self._log(asked.path.rpartition("/")[2], dict(urllib.parse.parse_qsl(asked.query)))
        return (self.status if known else 401), json.dumps({"node": {}, "pods": self.pods}).encode()

    def _log(self, container: str, wanted: dict[str, str]) -> tuple[int, bytes]:
        text = self.written.get((container, wanted.get("previous") == "true"))
        if text is None:
            return 400, f'previous terminated container "{container}" not found'.encode()
        lines = text.splitlines(keepends=True)[-int(wanted["tailLines"]) :]
        return 200, b"".join(lines)[: int(wanted["limitBytes"])]


@contextmanager
def listening(cluster: Cluster) -> Iterator[Kubelet]:
    made = Kubelet()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = made.answer(self.path, known=self.headers.get("Authorization", "").startswith("Bearer "))
            self.send_response(status)
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
        yield made
    finally:
        server.shutdown()
        server.server_close()


def node_of(cluster: Cluster, unit: ClusterUnit, kubelet: Kubelet, known_as: str = "node") -> None:
    """A node named as the test's namespace, with that kubelet behind it; nobody resolves its own name unless told."""
    with cluster.client() as client:
        node = {"metadata": {"name": unit.space}, "apiVersion": "v1", "kind": "Node"}
        client.post("/api/v1/nodes", json=node).raise_for_status()
    status = {
        "addresses": [{"type": "Hostname", "address": known_as}, {"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
    }
    unit.ask("PATCH", f"/api/v1/nodes/{unit.space}/status", {"status": status}, STATUS)
