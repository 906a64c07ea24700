"""The unit `till` of a whole installation, on a real control plane whose fake nodes play failures: what people do and see."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
from cluster.controlplane import Cluster
from installation import Installation

PATIENCE_S = 60.0  # of the machine that the tests run on, never of the clock under test
FILE = "apps/till/till.yaml"
TILL = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: till
  namespace: {space}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: till}}
  template:
    metadata:
      labels: {{app: till}}
    spec:
      containers:
        - name: till
          image: till:1.4.2  # released by the pipeline
          env:
            - name: SESSIONS
              value: redis://sessions
---
apiVersion: v1
kind: Service
metadata:
  name: till
  namespace: {space}
spec:
  selector: {{app: till}}
  ports:
    - port: 80
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: note\n  namespace: {space}\ndata:\n  kept: 'yes'\n"


class Till:
    """A person with a clone and kubectl."""

    def __init__(self, site: Installation, cluster: Cluster, api: httpx.Client, space: str) -> None:
        self.site, self.api, self.space = site, api, space
        self.path = f"/apis/apps/v1/namespaces/{space}/deployments/till"
        settings = f"{{kubeconfig: {cluster.kubeconfig()}, owner: {space}, namespace: {space}}}"
        target = f"    - {{name: prod, kind: kubernetes, settings: {settings}}}\n"
        unit = "    - {name: till, path: apps/till, target: prod, pruneBudget: 1}\n"
        site.pull()
        (site.clone / FILE).parent.mkdir(parents=True)
        (site.clone / FILE).write_text(TILL.format(space=space))
        (site.clone / "apps/till/note.yaml").write_text(CONFIG.format(space=space))
        said = (site.clone / "homeostat.yaml").read_text()
        said = said.replace("  sources:\n", target + "  sources:\n").replace("  grouping:\n", unit + "  grouping:\n")
        (site.clone / "homeostat.yaml").write_text(said)
        self.push("A till on a cluster")
        self.rolled_out()
        self.uid = self.live()["metadata"]["uid"]
        self.pods_before = self.pods()
        site.advance(60)

    def push(self, message: str) -> str:
        self.site.git("add", "-A")
        self.site.git("commit", "-qm", message)
        self.site.git("push", "-q")
        self.site.settle()
        return self.site.head()

    def live(self) -> dict[str, Any]:
        answer = self.api.get(self.path)
        return dict(answer.json()) if answer.status_code == 200 else {}

    def container(self) -> dict[str, Any]:
        found = self.live()
        return dict(found["spec"]["template"]["spec"]["containers"][0]) if found else {}

    def pods(self) -> dict[str, Any]:
        """Those that are not ending, by name."""
        path = f"/api/v1/namespaces/{self.space}/pods"
        items = self.api.get(path, params={"labelSelector": "app=till"}).raise_for_status().json()["items"]
        return {pod["metadata"]["name"]: pod["status"] for pod in items if "deletionTimestamp" not in pod["metadata"]}

    def waiting(self) -> set[str]:
        """Why containers wait, as their nodes say."""
        states = [one["state"] for status in self.pods().values() for one in status.get("containerStatuses", [])]
        return {state["waiting"]["reason"] for state in states if "waiting" in state}

    def wait(self, fact: Callable[[], bool], what: str) -> None:
        """In the machine's own time: the loop hears what the cluster says, and its clock stands still."""
        end = time.monotonic() + PATIENCE_S
        while not fact():
            assert time.monotonic() < end, (what, self.site.story(), self.live().get("status"))
            self.site.settle()
            time.sleep(0.05)  # for those whom it waits for

    def rolled_out(self) -> None:
        def so() -> bool:
            found = self.live()
            status = found.get("status", {})
            current = status.get("observedGeneration") == found.get("metadata", {}).get("generation")
            counts = {status.get(name) for name in ("replicas", "updatedReplicas", "readyReplicas")}
            return bool(found) and current and counts == {2}

        self.wait(so, "the rollout is complete")
