"""A drain that a budget holds up, in a whole `homeostat up`: others converge meanwhile, and a killed process is nothing lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.controlplane import Cluster
from kubernetes_acts import ActingUnit, acting
from kubernetes_unit import MERGE, soon
from test_kubernetes_two_processes import ADA, MAIN, up

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.bootstrap.create import Request, create
from reconciler.bootstrap.opening import open_reader
from reconciler.cli import main
from reconciler.model.records import RecordKind
from reconciler.ports.repo import RefMove
from reconciler.settings import Home

pytestmark = pytest.mark.peer
INSTALLATION = """\
apiVersion: homeostat/v1
kind: Installation
metadata: {{name: installation}}
spec:
  repository: infra
  branch: main
  targets:
    - name: k
      kind: kubernetes
      settings: {{kubeconfig: {kubeconfig}, namespace: {space}, owner: {space}-loop, nodeUnits: [side]}}
  units: [{{name: side, path: apps/side, target: k}}]
"""
OPERATION = """\
apiVersion: homeostat/v1
kind: Operation
metadata: {{name: {name}}}
spec: {{action: drain, unit: side, component: {node}, expiresMs: {expires}, irreversibility: costly}}
"""


class Site:
    """One home, which converges a ConfigMap and drains a node of pods that are somebody else's."""

    def __init__(self, folder: Path, cluster: Cluster, unit: ActingUnit) -> None:
        self.cluster, self.unit, self.home = cluster, unit, Home(folder / "home")
        create(self.home, Request(port=0, lab_port=0, owner="ada", email=ADA.email))
        self.home.settings.write_text("web: {port: 0}\nlab: {enabled: false}\n")
        self.node = unit.add_node()
        unit.run_all(unit.bound(), unit.budget(1))
        soon(lambda: unit.do("drain", self.node, "look", dry_run=True).ok, "the budget knows its pods")
        rules = INSTALLATION.format(kubeconfig=cluster.kubeconfig(), space=unit.space)
        self.push({"homeostat.yaml": rules, "apps/side/side.yaml": self.side("red")})

    def side(self, color: str) -> str:
        metadata = {"name": "side", "namespace": self.unit.space}
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"color": color}})

    def push(self, files: dict[str, str]) -> None:
        repo, signer = PygitRepo(self.home.repository), FileSigner(self.home.key("owner"), "owner")
        base = repo.ref(MAIN) or ""
        data: dict[str, bytes | None] = {path: text.encode() for path, text in files.items()}
        made = repo.write(base, data, "A change", ADA, int(time.time() * 1_000), signer)
        assert repo.move([RefMove(MAIN, base, made)])

    def drain(self, name: str) -> None:
        expires = int(time.time() * 1_000) + 600_000
        self.push({f"operations/{name}.yaml": OPERATION.format(name=name, node=self.node, expires=expires)})

    def color(self) -> str:
        with self.cluster.client() as client:
            found = client.get(f"/api/v1/namespaces/{self.unit.space}/configmaps/side").json()
        return str((found.get("data") or {}).get("color", ""))

    def older(self, name: str) -> None:
        """As if the drain had begun long ago."""
        path = f"/api/v1/namespaces/{self.unit.space}/configmaps/homeostat-operations-{self.unit.space}-loop"
        entry = json.loads(self.unit.ask("GET", path)["data"][name])
        body = {"data": {name: json.dumps({**entry, "at": "2026-01-01T00:00:00.000Z"})}}
        self.unit.ask("PATCH", path, body, MERGE)

    def events(self) -> list[str]:
        records = open_reader(self.home).log.records(kinds=(RecordKind.OPERATION,))
        return [str(entry.record.payload["event"]) for entry in records]


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> Iterator[ActingUnit]:
    with acting(whole_cluster, namespace) as made:
        yield made


def test_another_unit_converges_while_a_budget_refuses_and_a_killed_process_is_followed_by_one_that_goes_on(
    whole_cluster: Cluster, unit: ActingUnit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path, whole_cluster, unit)

    def status() -> str:
        assert main(["--home", str(site.home.root), "status"]) == 0
        return capsys.readouterr().out

    with up(site.home) as process:
        soon(lambda: site.color() == "red", "the unit is converged", 60)
        site.drain("drain-1")
        soon(lambda: "1 of 2 pods are left" in status(), "the drain is held up half way", 60)
        told = status()
        assert "disruption budget web needs 1" in told
        site.push({"apps/side/side.yaml": site.side("green")})
        soon(lambda: site.color() == "green", "the unit is converged meanwhile", 30)
        assert site.events() == ["accepted", "started"]
        process.kill()
        process.wait()
    site.home.running.unlink(missing_ok=True)
    assert len(unit.running()) == 1
    with up(site.home):
        site.push({"apps/side/side.yaml": site.side("blue")})
        soon(lambda: site.color() == "blue", "the next process converges", 60)
        assert site.events() == ["accepted", "started"]
        unit.add_node()
        soon(lambda: site.events() == ["accepted", "started", "finished"], "the next process goes on with it", 60)
    assert not [p for p in unit.pods() if p["spec"].get("nodeName") == site.node]
    assert "drain-1" not in status()


def test_the_time_of_a_drain_is_over_for_the_next_process_too_and_it_is_said_how_far_it_came(
    whole_cluster: Cluster, unit: ActingUnit, tmp_path: Path
) -> None:
    site = Site(tmp_path, whole_cluster, unit)
    with up(site.home) as process:
        soon(lambda: site.color() == "red", "the unit is converged", 60)
        site.drain("drain-1")
        soon(lambda: len(unit.running()) == 1, "it is held up half way", 60)
        process.kill()
        process.wait()
    site.home.running.unlink(missing_ok=True)
    site.older("drain-1")
    with up(site.home):
        soon(lambda: site.events()[2:] == ["incomplete"], "it ends with a clear outcome", 60)
    assert "incomplete" in site.home.pages.read_text()
    assert len(unit.running()) >= 1
