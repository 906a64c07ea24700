"""What the Kubernetes benchmarks stand on: a control plane, a Git repository of units, the converger that a loop would run,
and the two it is compared with: a bare asyncio client (the ceiling) and Flux's kustomize-controller.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import http.server
import io
import json
import multiprocessing
import os
import re
import resource
import ssl
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import yaml
from homes import MAIN, cpu_seconds

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cluster.controlplane import Cluster, free_ports
from cluster.controlplane import running as running  # noqa: PLC0414
from peers import peers

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.targets.kubernetes import KubernetesTarget
from reconciler.converge.render import RenderCache
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import ConvergeResult
from reconciler.documents.installation import Installation
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.documents.loader import load_one
from reconciler.ports.repo import Identity, RefMove
from reconciler.testing.signing import MemorySigner

Manifest = dict[str, Any]
KEY, ALICE = MemorySigner("author", "alice"), Identity("Alice", "alice@example.org")
IN_FLIGHT = 16
APPLY = {"Content-Type": "application/apply-patch+yaml"}
FLUX = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux/kustomizations"
INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
SOURCES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux/gitrepositories"
PATIENCE_S = 240.0


def config(name: str, space: str, number: int) -> Manifest:
    data = {"k": "v" * 200, "i": str(number)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": space}, "data": data}


def application(name: str, space: str) -> list[Manifest]:
    """A service account, a service, a deployment and an ingress."""
    labels, metadata = {"app": name}, {"name": name, "namespace": space}
    container = {"name": "c", "image": "nginx:1", "ports": [{"containerPort": 80}]}
    template = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": name, "containers": [container]}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}
    deployment = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    ingress = {"rules": [{"host": f"{name}.x", "http": {"paths": [path]}}]}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": [{"port": 80}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": ingress},
    ]


def text(manifests: Sequence[Manifest]) -> bytes:
    return b"---\n".join(yaml.dump(json.loads(json.dumps(m)), Dumper=_Plain, sort_keys=False).encode() for m in manifests)


class _Plain(yaml.CSafeDumper):
    """Without anchors, as people write."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def pss_mib(pid: int) -> float:
    """Proportional set size: what the process would free."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found, "the kernel tells no Pss"
    return int(found[1]) / 1024


def make_space(cluster: Cluster, name: str) -> None:
    with cluster.client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()


@contextlib.contextmanager
def ingress_controller(cluster: Cluster) -> Iterator[None]:
    """Gives each new Ingress an address: until one does, no Ingress is healthy, whoever applied it. A process of its own, so
    that its CPU counts for nobody.
    """
    words = (cluster.url, cluster.folder / "ca.crt", cluster.tokens["admin"])
    child = multiprocessing.get_context("spawn").Process(target=give_addresses, args=words, daemon=True)
    child.start()
    try:
        yield
    finally:
        child.terminate()
        child.join(timeout=10)


def give_addresses(url: str, trust: Path, token: str) -> None:
    headers, version = {"Authorization": f"Bearer {token}"}, ""
    made = httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=trust), headers=headers, trust_env=False)
    with made as client:
        while True:
            params = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "4"}
            with client.stream("GET", INGRESSES, params=params, timeout=30) as events:
                for line in events.iter_lines():
                    event = json.loads(line)
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] == "ADDED":
                        _give_address(client, event["object"]["metadata"])


def _give_address(writer: httpx.Client, metadata: Mapping[str, Any]) -> None:
    path = f"/apis/networking.k8s.io/v1/namespaces/{metadata['namespace']}/ingresses/{metadata['name']}/status"
    body = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    writer.patch(path, json=body, headers={"Content-Type": "application/merge-patch+json"}).raise_for_status()


@dataclass(frozen=True)
class Raw:
    """Seconds and CPU seconds of applying objects by a client that does nothing else."""

    seconds: float
    cpu: float


def raw_apply(cluster: Cluster, objects: Sequence[Manifest]) -> Raw:
    """ConfigMaps by server-side apply, 16 in flight."""
    used, start = own_cpu(), time.perf_counter()
    asyncio.run(_raw(cluster, objects))
    return Raw(time.perf_counter() - start, own_cpu() - used)


async def _raw(cluster: Cluster, objects: Sequence[Manifest]) -> None:
    trust = ssl.create_default_context(cafile=cluster.folder / "ca.crt")
    headers = {"Authorization": f"Bearer {cluster.tokens['admin']}", **APPLY}
    connector = aiohttp.TCPConnector(ssl=trust, limit=IN_FLIGHT)
    left = iter(objects)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def worker() -> None:
            for made in left:
                name, space = made["metadata"]["name"], made["metadata"]["namespace"]
                url = f"{cluster.url}/api/v1/namespaces/{space}/configmaps/{name}?fieldManager=bench&force=true"
                async with session.patch(url, data=json.dumps(made)) as answer:
                    await answer.read()
                    assert answer.status < 300, answer.status

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


class Product:
    """The real converger, target and Git repository, as the loop holds them."""

    def __init__(self, cluster: Cluster, folder: Path, owner: str, units: Mapping[str, Sequence[Manifest]]) -> None:
        path = init_bare(folder / f"{owner}.git", author=KEY.public)
        self.repo = PygitRepo(path)
        listed = "".join(f"  - {{name: {u}, path: apps/{u}, target: k}}\n" for u in units)
        head = "apiVersion: homeostat/v1\nkind: Installation\nmetadata: {name: bench}\nspec:\n  repository: infra\n"
        installation = f"{head}  targets: [{{name: k, kind: kubernetes}}]\n  units:\n{listed}".encode()
        found = load_one(installation, "homeostat.yaml", Installation).document.spec
        self.index = UnitIndex.of(found.units, found.targets)
        self.head = ""
        self.push({f"apps/{u}/all.yaml": text(made) for u, made in units.items()})
        settings = KubernetesSettings(kubeconfig=str(cluster.kubeconfig()), namespace=owner, owner=owner)
        self.target = KubernetesTarget.from_settings("k", settings, folder)
        self.cache = RenderCache()
        self.converger = Converger(self.repo, {"k": self.target}, cache=self.cache)
        self.applied, self.generation = "", 0

    def push(self, files: Mapping[str, bytes | None]) -> None:
        new = self.repo.write(self.head, files, "Change", ALICE, 1_000 + len(self.head), KEY)
        assert self.repo.move([RefMove(MAIN, self.head, new)])
        self.head = new

    def render(self) -> float:
        """Seconds of rendering everything into a cache of its own: a part of a cold apply."""
        cache, start = RenderCache(), time.perf_counter()
        for unit in self.index.in_order(self.index.by_name):
            cache.get(self.repo, self.head, unit, "kubernetes")
        return time.perf_counter() - start

    def turn(self, *, everything: bool = False) -> ConvergeResult:
        self.generation += 1
        ask = Round(self.index, self.head, "" if everything else self.applied, self.generation, 0)
        result = self.converger.converge(ask)
        assert result.ok, [(o.unit, o.detail[:300]) for o in result.outcomes if not o.ok][:3] or result
        self.applied = self.head
        return result

    def healthy(self) -> None:
        """Returns when every object of every unit is."""
        waiting = set(self.index.by_name)
        until = time.perf_counter() + PATIENCE_S
        while waiting:
            waiting = {u for u in waiting if any(h.state.value not in ("healthy", "suspended") for h in self.target.health(u))}
            if time.perf_counter() > until:
                raise SystemExit(f"not healthy: {list(self.target.health(min(waiting)))[:4]}")
            time.sleep(0.01)


@dataclass
class Flux:
    """A running kustomize-controller; its sources are served from here, as source-controller would."""

    cluster: Cluster
    port: int
    pid: int = 0
    files: dict[str, bytes] = field(default_factory=dict)

    def source(self, name: str, manifests: Sequence[Manifest]) -> None:
        data = _archive(manifests)
        self.files[f"/{name}.tgz"] = data
        head = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": name, "namespace": "flux"},
        }
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        artifact = {
            "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "lastUpdateTime": now, "path": name, "revision": "v1@sha1:1",
            "url": f"http://127.0.0.1:{self.port}/{name}.tgz", "size": len(data),
        }  # fmt: skip
        ready = {"type": "Ready", "status": "True", "reason": "ok", "message": "ok", "lastTransitionTime": now}
        status = {"artifact": artifact, "conditions": [{**ready, "observedGeneration": 1}], "observedGeneration": 1}
        self.apply(f"{SOURCES}/{name}", {**head, "spec": {"interval": "10m", "url": "https://example.com/x"}})
        self.apply(f"{SOURCES}/{name}/status", {**head, "status": status})

    def unit(self, name: str, *, wait: bool) -> None:
        spec = {
            "interval": "10m",
            "path": "./",
            "prune": True,
            "wait": wait,
            "sourceRef": {"kind": "GitRepository", "name": name},
        }
        head = {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "flux"},
        }
        self.apply(f"{FLUX}/{name}", {**head, "spec": spec})

    def again(self, name: str) -> None:
        """One pass over what has not changed; returns when it is over."""
        token = str(time.time_ns())
        with self.cluster.client() as client:
            body = {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}}
            client.patch(f"{FLUX}/{name}", json=body, headers={"Content-Type": "application/merge-patch+json"}).raise_for_status()
        self.ready(name, 1, token)

    def ready(self, prefix: str, count: int, token: str = "") -> None:
        until = time.perf_counter() + PATIENCE_S
        with self.cluster.client() as client:
            while time.perf_counter() < until:
                items = client.get(FLUX).raise_for_status().json()["items"]
                if sum(_is_ready(i, token) for i in items if i["metadata"]["name"].startswith(prefix)) >= count:
                    return
                time.sleep(0.1)
        raise SystemExit(f"Flux: {prefix} was not ready within {PATIENCE_S:g} s")

    def requests(self) -> float:
        """What the API server has answered to everybody so far."""
        with self.cluster.client() as client:
            lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("apiserver_request_total{"))

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def apply(self, path: str, body: Mapping[str, Any]) -> None:
        with self.cluster.client() as client:
            client.patch(f"{path}?fieldManager=bench&force=true", json=body, headers=APPLY).raise_for_status()


def _is_ready(item: Mapping[str, Any], token: str) -> bool:
    status = item.get("status") or {}
    told = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    return told and (not token or status.get("lastHandledReconcileAt") == token)


def _archive(manifests: Sequence[Manifest]) -> bytes:
    made, data = io.BytesIO(), "---\n".join(json.dumps(m) + "\n" for m in manifests).encode()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        entry = tarfile.TarInfo("all.yaml")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


@contextlib.contextmanager
def flux(cluster: Cluster, folder: Path) -> Iterator[Flux]:
    """kustomize-controller with room to work: 20 units at once, no limit of its own on requests that would count."""
    port, metrics, health = free_ports(3)
    made = Flux(cluster, port)

    class Files(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = made.files.get(self.path, b"")
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing: the table is the output."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for path in [*(peers("flux") / "crds").glob("*.yaml"), *(peers("flux-sources") / "crds").glob("*.yaml")]:
        crd = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        made.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd['metadata']['name']}", crd)
    make_space(cluster, "flux")
    time.sleep(2)  # until the kinds are served
    words = [
        "--concurrent=20", "--concurrent-ssa=4", f"--metrics-addr=127.0.0.1:{metrics}", f"--health-addr=127.0.0.1:{health}",
        "--kube-api-qps=1000", "--kube-api-burst=2000", "--watch-all-namespaces=true", "--log-level=error",
    ]  # fmt: skip
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig()), "RUNTIME_NAMESPACE": "flux"}
    with (folder / "flux.log").open("wb") as log:
        child = subprocess.Popen([peers("flux") / "kustomize-controller", *words], env=environment, stdout=log, stderr=log)
    made.pid = child.pid
    try:
        time.sleep(4)  # its caches
        yield made
    finally:
        child.terminate()
        child.wait(timeout=20)
        server.shutdown()
