"""The stage of `make demo-kube`: a real control plane with fake nodes, an infra repository with one small app, and people.

Everything is made in the cluster's folder, on free ports, and held by its supervisor: programs, `homeostat up` and the folder
are gone when this process is, also when it is killed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from reconciler.cli.demo_site import Site

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cluster.controlplane import Cluster, running
from peers import look_up

SHOP = "apps/shop"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
SETTINGS = """\
turnSeconds: 0.05
"""
INSTALLATION = """\
apiVersion: homeostat/v1
kind: Installation
metadata:
  name: installation
  description: One cluster, one app.
spec:
  repository: infra
  branch: main
  targets:
    - name: prod
      kind: kubernetes
      settings: {{kubeconfig: {kubeconfig}}}
  units:
    - name: shop
      path: apps/shop
      target: prod
      drift: correct
      pruneBudget: 3
  grouping:
    holdDownMs: 1000
    windowMs: 5000
    troubleHoldPercent: 10
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: shop
spec:
  replicas: 3
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      containers:
        - name: {name}
          image: registry.example/{name}:1.4.2  # released by the pipeline
          env:
            - name: SESSIONS
              value: redis://sessions:6379
          ports:
            - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: shop
spec:
  selector: {{app: {name}}}
  ports:
    - port: 80
      targetPort: 8080
"""
APPS = ("cart", "checkout", "search")


class Stage(Site):
    """One installation, its cluster, and the people around both."""

    cluster: Cluster
    api: httpx.Client

    def start(self) -> None:
        """`homeostat init`, the app in Git in the place of the lab's, `homeostat up`."""
        self.init(settings=SETTINGS)
        self.home.settings.write_text(self.home.settings.read_text().replace("lab:\n", "lab:\n  enabled: false\n"))
        for folder in ("apps", "sensors"):
            self.git("rm", "-rq", folder)
        files = {f"{SHOP}/{name}.yaml": APP.format(name=name) for name in APPS}
        kubeconfig = self.cluster.kubeconfig()
        files |= {f"{SHOP}/namespace.yaml": NAMESPACE, "homeostat.yaml": INSTALLATION.format(kubeconfig=kubeconfig)}
        self.write(files, "One cluster, one app")
        self.up()
        self.until(lambda: all(self.ready_pods(name) == 3 for name in APPS), 60, "the app starts")

    def _launch(self, command: list[str]) -> None:
        self.cluster.programs.start("homeostat", *command)

    @property
    def log(self) -> Path:
        return self.cluster.programs.log("homeostat")

    def stop(self) -> None:
        """The supervisor ends it with everything else."""

    def write(self, files: dict[str, str], message: str) -> str:
        """A person writes whole files and pushes; the commit."""
        for path, text in files.items():
            (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / path).write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        self.git("push", "-q")
        return self.head()

    def paged(self) -> str:
        """What the last page to a person says."""
        page = json.loads(self.home.pages.read_text(encoding="utf-8").splitlines()[-1])
        return f"{page['title']}: {page['text']}"

    # the cluster, asked past Homeostat

    def deployment(self, name: str) -> dict[str, Any]:
        return dict(self.api.get(f"{DEPLOYMENTS}/{name}").raise_for_status().json())

    def deployments(self) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.api.get(DEPLOYMENTS).raise_for_status().json()["items"])

    def container(self, name: str) -> dict[str, Any]:
        return dict(self.deployment(name)["spec"]["template"]["spec"]["containers"][0])

    def ready_pods(self, name: str) -> int:
        """Pods of the present template that are ready; 0 while an older one counts."""
        answer = self.api.get(f"{DEPLOYMENTS}/{name}")
        if answer.status_code != httpx.codes.OK:
            return 0
        found = answer.json()
        status, metadata = found.get("status", {}), found["metadata"]
        current = status.get("observedGeneration") == metadata["generation"] and status.get("updatedReplicas") == status.get(
            "replicas"
        )
        return int(status.get("readyReplicas", 0)) if current else 0

    def failing(self, name: str) -> list[str]:
        """Why pods wait, as their node says."""
        pods = self.api.get("/api/v1/namespaces/shop/pods", params={"labelSelector": f"app={name}"}).raise_for_status().json()
        states = [s["state"] for pod in pods["items"] for s in pod["status"].get("containerStatuses", [])]
        return [state["waiting"]["reason"] for state in states if "waiting" in state]

    def edit(self, name: str, body: Any) -> None:
        """Somebody's hand: kubectl edit, past Git."""
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        self.api.patch(f"{DEPLOYMENTS}/{name}?fieldManager=kubectl-edit", json=body, headers=headers).raise_for_status()

    def delete(self, name: str) -> None:
        self.api.delete(f"{DEPLOYMENTS}/{name}").raise_for_status()

    def seconds_until(self, what: Callable[[], bool], within: float) -> float:
        """How long until something can be seen in the cluster; `within` when it was not."""
        began = time.monotonic()
        while not what() and time.monotonic() - began < within:
            time.sleep(0.005)
        return time.monotonic() - began


@contextmanager
def playing(progress: Callable[[str], None]) -> Iterator[Stage]:
    """The control plane with three fake nodes; everything ends with the block."""
    with running("controllers", "kwok", "failures") as cluster, cluster.client() as api:
        cluster.add_nodes(3)
        stage = Stage(cluster.folder / "demo", progress=progress)
        stage.folder.mkdir()
        stage.cluster, stage.api = cluster, api
        yield stage


def missing() -> str:
    """Why there is no control plane to play on, "" when there is one."""
    return next((why for folder, why in map(look_up, ("kubernetes", "etcd", "kwok")) if not folder), "")
