"""Two whole `homeostat up` on one repository and one cluster: one converges, the other waits and takes over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import soon

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.bootstrap.create import Request, create
from reconciler.ports.repo import Identity, RefMove
from reconciler.settings import Home

pytestmark = pytest.mark.peer
MAIN, ADA = "refs/heads/main", Identity("Ada", "ada@example.org")
OBJECTS = 20
# The lease of a minute's quarter would make the test wait for it.
UP = """
import sys
from pathlib import Path
from reconciler.adapters.targets.kubernetes import lease
from reconciler.bootstrap.run import up
from reconciler.settings import Home
lease.DURATION_S, lease.RENEW_S, lease.SURE_S = 4.0, 1.0, 3.0
up(Home(Path(sys.argv[1])), print)
"""
INSTALLATION = """\
apiVersion: homeostat/v1
kind: Installation
metadata: {{name: installation}}
spec:
  repository: infra
  branch: main
  targets: [{{name: k, kind: kubernetes, settings: {{kubeconfig: {kubeconfig}, namespace: {space}, owner: {space}}}}}]
  units: [{{name: shop, path: apps/k, target: k}}]
"""


class Site:
    """Two homes of one repository, and the cluster that both converge."""

    def __init__(self, folder: Path, cluster: Cluster, space: str) -> None:
        self.cluster, self.space = cluster, space
        first, second = Home(folder / "first"), Home(folder / "second")
        create(first, Request(port=0, lab_port=0, owner="ada", email=ADA.email))
        first.settings.write_text("web: {port: 0}\nlab: {enabled: false}\n")
        shutil.copytree(first.root, second.root, ignore=shutil.ignore_patterns(first.repository.name))
        second.repository.symlink_to(first.repository)
        self.homes = (first, second)
        rules = INSTALLATION.format(kubeconfig=cluster.kubeconfig(), space=space)
        self.push({"homeostat.yaml": rules.encode()}, "Converge a cluster")

    def push(self, files: Mapping[str, bytes | None], message: str) -> None:
        repo = PygitRepo(self.homes[0].repository)
        base = repo.ref(MAIN) or ""
        made = repo.write(base, files, message, ADA, int(time.time() * 1_000), FileSigner(self.homes[0].key("owner"), "owner"))
        assert repo.move([RefMove(MAIN, base, made)])

    def wants(self, color: str) -> None:
        body = "".join(_config(f"c{n}", self.space, color) for n in range(OBJECTS))
        self.push({"apps/k/all.yaml": body.encode()}, f"Everything {color}")

    def colors(self) -> list[str]:
        with self.cluster.client() as client:
            found = client.get(f"/api/v1/namespaces/{self.space}/configmaps").raise_for_status().json()["items"]
        return [i["data"]["color"] for i in found if "color" in (i.get("data") or {})]

    def all(self, color: str) -> Callable[[], bool]:
        return lambda: self.colors() == [color] * OBJECTS

    def holder(self) -> int:
        """Which of the two has the lease, by process."""
        with self.cluster.client() as client:
            path = f"/apis/coordination.k8s.io/v1/namespaces/{self.space}/leases/homeostat-{self.space}"
            identity = client.get(path).raise_for_status().json()["spec"]["holderIdentity"]
        return int(identity.split("_")[1])


def _config(name: str, space: str, color: str) -> str:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": space}, "data": {"color": color}}
    return f"---\n{json.dumps(body)}\n"


@contextmanager
def up(home: Home) -> Iterator[subprocess.Popen[Any]]:
    """Running, and killed afterwards whatever it does."""
    with (home.root / "up.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", UP, str(home.root)], stdout=log, stderr=log, env={**os.environ})
    try:
        soon(lambda: home.running.exists() or process.poll() is not None, "it starts", 60)
        assert process.poll() is None, (home.root / "up.log").read_text()
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_one_converges_the_other_waits_and_takes_over(
    api_server: Cluster, namespace: str, tmp_path: Path, how: signal.Signals
) -> None:
    site = Site(tmp_path, api_server, namespace)
    site.wants("red")
    with ExitStack() as stack:
        running = {p.pid: p for p in (stack.enter_context(up(home)) for home in site.homes)}
        soon(site.all("red"), "the first revision", 60)
        first = site.holder()
        site.wants("green")
        soon(site.all("green"), "the second revision", 60)
        assert site.holder() == first
        assert all(p.poll() is None for p in running.values())
        running.pop(first).send_signal(how)
        site.wants("blue")
        soon(site.all("blue"), "the other one takes over", 60)
        assert site.holder() in running
    written = api_server.writes(f"/registry/configmaps/{namespace}/c")
    assert set(written.values()) == {3}, written
    assert not [home.pages.read_text() for home in site.homes if home.pages.exists()]
