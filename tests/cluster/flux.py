"""Flux's real kustomize-controller beside a test's control plane, and what source-controller would serve it.

with running("controllers", "kwok") as cluster, flux(cluster) as other:
    other.kustomization("shop", path="./apps/shop")
    other.publish(commit, {"apps/shop/web.yaml": ...})      # a new artifact of the repository, as after a push

The controller ends with the control plane's supervisor, also when the test process is killed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml
from cluster.controlplane import Cluster, free_ports
from peers import peers

SPACE = "flux-system"
SOURCES = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{SPACE}/gitrepositories"
KUSTOMIZATIONS = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{SPACE}/kustomizations"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
APPLY = {"Content-Type": "application/apply-patch+yaml"}


@dataclass
class Flux:
    """One repository, `infra`."""

    cluster: Cluster
    port: int
    artifacts: dict[str, bytes] = field(default_factory=dict)

    def publish(self, commit: str, files: Mapping[str, str]) -> None:
        """The artifact of one commit of `main`; the controller hears of it at once."""
        data = _archive(files)
        self.artifacts[f"/{commit}.tgz"] = data
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        artifact = {
            "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "lastUpdateTime": now, "path": commit, "size": len(data),
            "revision": f"main@sha1:{commit}", "url": f"http://127.0.0.1:{self.port}/{commit}.tgz",
        }  # fmt: skip
        ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored", "lastTransitionTime": now}
        status = {"artifact": artifact, "conditions": [{**ready, "observedGeneration": 1}], "observedGeneration": 1}
        metadata = {"name": "infra", "namespace": SPACE}
        head = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata}
        self.apply(f"{SOURCES}/infra", {**head, "spec": {"interval": "10m", "url": "https://git.example.org/infra"}})
        self.apply(f"{SOURCES}/infra/status", {**head, "status": status})

    def kustomization(self, name: str, **spec: Any) -> None:
        usual = {"interval": "10m", "retryInterval": "2s", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "infra"}}
        head = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization"}
        metadata = {"name": name, "namespace": SPACE}
        self.apply(f"{KUSTOMIZATIONS}/{name}", {**head, "metadata": metadata, "spec": {**usual, **spec}})

    def status(self, name: str) -> dict[str, Any]:
        with self.cluster.client() as client:
            return dict(client.get(f"{KUSTOMIZATIONS}/{name}").raise_for_status().json().get("status") or {})

    def delete(self, name: str) -> None:
        with self.cluster.client() as client:
            client.delete(f"{KUSTOMIZATIONS}/{name}").raise_for_status()

    def apply(self, path: str, body: Mapping[str, Any]) -> None:
        with self.cluster.client() as client:
            client.patch(f"{path}?fieldManager=test&force=true", json=body, headers=APPLY).raise_for_status()


@contextmanager
def flux(cluster: Cluster) -> Iterator[Flux]:
    """The control plane is the caller's."""
    controller = peers("flux") / "kustomize-controller"
    port, metrics, health = free_ports(3)
    made = Flux(cluster, port)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(made.artifacts))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _install(made, cluster)
    cluster.programs.start(
        "kustomize-controller", "env", f"KUBECONFIG={cluster.kubeconfig()}", f"RUNTIME_NAMESPACE={SPACE}", controller,
        "--watch-all-namespaces=true", "--log-level=error", f"--metrics-addr=127.0.0.1:{metrics}",
        f"--health-addr=127.0.0.1:{health}", "--enable-leader-election=false",
    )  # fmt: skip
    try:
        cluster.programs.wait("kustomize-controller", lambda: _answers(f"http://127.0.0.1:{health}/readyz"), 30)
        yield made
    finally:
        cluster.programs.kill("kustomize-controller")
        server.shutdown()
        server.server_close()


def _install(made: Flux, cluster: Cluster) -> None:
    """Its kinds, until they are served."""
    names = []
    for path in [*(peers("flux") / "crds").glob("*.yaml"), *(peers("flux-sources") / "crds").glob("*.yaml")]:
        crd = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        names.append(crd["metadata"]["name"])
        made.apply(f"{CRDS}/{names[-1]}", crd)
    with cluster.client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": SPACE}}).raise_for_status()
        cluster.programs.wait("kube-apiserver", lambda: all(_established(client, name) for name in names), 30)


def _established(client: httpx.Client, name: str) -> bool:
    conditions = client.get(f"{CRDS}/{name}").raise_for_status().json().get("status", {}).get("conditions", [])
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def _handler(artifacts: Mapping[str, bytes]) -> Callable[..., http.server.BaseHTTPRequestHandler]:
    class Files(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = artifacts.get(self.path, b"")
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing: the test's own words are the output."""

    return Files


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _archive(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content.encode()), 0o644
            tar.addfile(entry, io.BytesIO(content.encode()))
    return made.getvalue()
