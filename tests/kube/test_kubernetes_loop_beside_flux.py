"""The whole loop on a unit that Flux applies: a bad image is released, Flux applies it, the pods say so, the repair is merged,
Flux applies that, and it is found to have helped. Homeostat, Flux and the control plane are real processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cluster.controlplane import Cluster, running
from cluster.flux import SPACE, Flux, flux

from reconciler.cli.demo_site import Site
from reconciler.errors import Permanent

DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/checkout"
GOOD, BAD = "checkout:1.4.2", "checkout:1.5.0-missing"
AUTONOMY, PLAYBOOK = "policies/autonomy.yaml", "playbooks/cluster-image-missing.yaml"
RULE = "    - playbooks: [cluster-image-missing]\n      units: [shop]\n      mode: autonomous\n"
INSTALLATION = """\
apiVersion: homeostat/v1
kind: Installation
metadata: {{name: installation}}
spec:
  repository: infra
  branch: main
  targets:
    - {{name: prod, kind: kubernetes, settings: {{kubeconfig: {kubeconfig}}}}}
  units:
    - name: shop
      path: apps/shop
      target: prod
      applier: {{kind: flux, kustomization: flux-system/shop}}
  grouping: {{holdDownMs: 1000, windowMs: 5000, troubleHoldPercent: 10}}
"""
SHOP = f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: checkout
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels: {{app: checkout}}
  template:
    metadata:
      labels: {{app: checkout}}
    spec:
      containers:
        - name: checkout
          image: registry.example/{GOOD}
"""


class Company(Site):
    """People, their repository, and Flux that follows it."""

    cluster: Cluster
    other: Flux
    api: httpx.Client
    published = ""

    def begin(self) -> None:
        self.init(settings="turnSeconds: 0.05\n")
        for folder in ("apps", "sensors"):
            self.git("rm", "-rq", folder)
        (self.clone / "apps/shop").mkdir(parents=True)
        (self.clone / "apps/shop/checkout.yaml").write_text(SHOP)
        (self.clone / "homeostat.yaml").write_text(INSTALLATION.format(kubeconfig=self.cluster.kubeconfig()))
        self.git("add", "-A")
        self.git("commit", "-qm", "One app, which Flux applies")
        self.git("push", "-q")
        self.up()
        waits = {"    healthy: true\n": "    healthy: true\n    guardAfterSeconds: 10\n    outcomeAfterSeconds: 30\n"}
        self.push({AUTONOMY: ("  rules:\n", "  rules:\n" + RULE), PLAYBOOK: next(iter(waits.items()))}, "Let it repair images")

    def fetch(self) -> None:
        """What source-controller does."""
        head = self.head()
        if head != self.published:
            paths = self.git("ls-tree", "-r", "--name-only", head, "apps", where=self.home.repository).splitlines()
            self.other.publish(head, {path: self.read(path, head) + "\n" for path in paths})
            self.published = head

    def see(self, what: Callable[[], bool], seconds: int, said: str) -> None:
        def seen() -> bool:
            self.fetch()
            return what()

        try:
            self.until(seen, seconds, said)
        except Permanent as error:
            words = self.log.read_text(errors="replace")[-2_000:]
            raise AssertionError(f"{error}; Flux says {self.other.status('shop')}; Homeostat says {words}") from error

    def is_known(self) -> bool:
        return any(record["payload"]["reason"] == "applied" for record in self.records("apply"))

    def image(self) -> str:
        answer = self.api.get(DEPLOYMENT)
        found = answer.json() if answer.status_code == httpx.codes.OK else {}
        return str(found.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [{}])[0].get("image", ""))

    @property
    def log(self) -> Path:
        return self.cluster.programs.log("homeostat")

    def _launch(self, command: list[str]) -> None:
        self.cluster.programs.start("homeostat", *command)


@pytest.fixture
def company() -> Iterator[Company]:
    with running("controllers", "kwok", "failures") as cluster, cluster.client() as api, flux(cluster) as other:
        cluster.add_nodes(2)
        other.kustomization("shop", path="./apps/shop")
        made = Company(cluster.folder / "company", progress=lambda _: None)
        made.folder.mkdir()
        made.cluster, made.other, made.api = cluster, other, api
        yield made


def managers(company: Company) -> set[str]:
    """Who has written the Deployment."""
    return {entry["manager"] for entry in company.api.get(DEPLOYMENT).json()["metadata"]["managedFields"]}


@pytest.mark.timeout(600)  # its own limits are tighter, and say what was not seen
def test_a_bad_image_is_repaired_in_git_and_applied_by_flux(company: Company) -> None:
    company.begin()
    company.see(lambda: company.image().endswith(GOOD), 120, "Flux applies the app")
    company.see(company.is_known, 120, "Homeostat knows that it was applied")  # what it never saw well, no commit has broken
    bad = company.push({"apps/shop/checkout.yaml": (GOOD, BAD)}, "Release checkout 1.5.0")
    company.see(lambda: company.image().endswith(BAD), 120, "Flux applies the release")
    company.see(lambda: bool(company.machine_commits()), 180, "the loop repairs it")
    repair = company.machine_commits()[0][0]
    assert company.git("rev-parse", f"{repair}^", where=company.home.repository) == bad
    company.see(lambda: company.image().endswith(GOOD), 120, "Flux applies the repair")
    company.see(lambda: any(r["payload"]["stage"] == "outcome" for r in company.records("outcome")), 240, "the outcome is known")
    (outcome,) = [r["payload"]["state"] for r in company.records("outcome") if r["payload"]["stage"] == "outcome"]
    assert outcome == "better"
    applied = [r["payload"] for r in company.records("apply") if r["payload"]["revision"] == repair]
    assert applied[-1]["reason"] == "applied"
    assert applied[-1]["results"][0]["id"] == f"Flux's Kustomization {SPACE}/shop"
    assert not [m for m in managers(company) if m.startswith("homeostat")]
