"""The unit `boxes` of a whole installation, turning its loop on a real API server: two ConfigMaps."""

from __future__ import annotations

from typing import Any

from cluster.controlplane import Cluster
from installation import Installation

from reconciler.cli import main

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {space}\ndata: {{a: '1'}}\n"


class Boxes:
    """A person with a clone, a shell and kubectl."""

    def __init__(self, site: Installation, cluster: Cluster, space: str) -> None:
        self.site, self.cluster, self.space = site, cluster, space
        settings = f"{{kubeconfig: {cluster.kubeconfig()}, owner: {space}, namespace: {space}}}"
        self.target = f"    - name: k\n      kind: kubernetes\n      settings: {settings}\n"
        self.unit = "    - name: boxes\n      path: apps/boxes\n      target: k\n"
        site.pull()
        for name in ("one", "two"):
            self.write(name)
        yaml = (site.clone / "homeostat.yaml").read_text()
        yaml = yaml.replace("  sources:\n", self.target + "  sources:\n", 1).replace(
            "  grouping:\n", self.unit + "  grouping:\n", 1
        )
        (site.clone / "homeostat.yaml").write_text(yaml)
        self.push("Boxes")

    def write(self, name: str) -> None:
        path = self.site.clone / "apps" / "boxes" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG.format(name=name, space=self.space))

    def push(self, message: str, *, followed: bool = True) -> None:
        self.site.git("add", "-A")
        self.site.git("commit", "-qm", message)
        self.site.git("push", "-q")
        self.site.advance(10 if followed else 0)

    def without_the_unit(self, *, followed: bool = True) -> None:
        text = (self.site.clone / "homeostat.yaml").read_text()
        (self.site.clone / "homeostat.yaml").write_text(text.replace(self.unit, ""))
        self.push("No boxes", followed=followed)

    def run(self, *arguments: str) -> int:
        return main(["--home", str(self.site.home.root), *arguments])

    def edit(self, name: str, value: str) -> None:
        """By hand, in the cluster."""
        with self.cluster.client() as client:
            path = f"/api/v1/namespaces/{self.space}/configmaps/{name}"
            kind = {"Content-Type": "application/merge-patch+json"}
            client.patch(path, json={"data": {"a": value}}, headers=kind).raise_for_status()

    def get(self, name: str) -> dict[str, Any]:
        with self.cluster.client() as client:
            answer = client.get(f"/api/v1/namespaces/{self.space}/configmaps/{name}")
            return answer.json() if answer.status_code == 200 else {}

    def ours(self, name: str) -> bool:
        metadata = self.get(name)["metadata"]
        return any("homeostat" in str(metadata.get(part)) for part in ("labels", "annotations", "managedFields"))
