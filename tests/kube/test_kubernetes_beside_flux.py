"""A unit that Flux applies, on a real control plane with the real kustomize-controller: followed, judged, and never written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from cluster.controlplane import running
from cluster.flux import KUSTOMIZATIONS, SPACE, Flux, flux
from kubernetes_unit import soon

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.targets.kubernetes import KubernetesTarget
from reconciler.adapters.targets.kubernetes.api import Api, Request
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import UnitOutcome
from reconciler.documents.installation import Unit
from reconciler.documents.installation_applier import applied_by
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.documents.installation_parts import KubernetesTarget as TargetDocument
from reconciler.errors import Permanent
from reconciler.model.reasons import Reason
from reconciler.model.revisions import HealthState
from reconciler.model.troubles import TroubleKind
from reconciler.ports.repo import Identity, RefMove
from reconciler.ports.target import Act
from reconciler.testing.signing import MemorySigner

KEY, ALICE, MAIN = MemorySigner("author", "alice"), Identity("Alice", "alice@example.org"), "refs/heads/main"
READS = {"GET"}


@pytest.fixture(scope="module")
def other() -> Iterator[Flux]:
    with running("controllers", "kwok", "failures") as cluster:
        cluster.add_nodes(1)
        with flux(cluster) as made:
            yield made


def manifest(kind: str, name: str, space: str, version: str = "v1", **more: Any) -> str:
    where = {"namespace": space} if space else {}
    return yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": name, **where}, **more}) + "---\n"


def deployment(image: str, space: str) -> str:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return manifest("Deployment", "web", space, "apps/v1", spec=spec)


class Site:
    """Unit shop is Flux's, in a namespace of its own; unit edge is ours."""

    def __init__(self, other: Flux, folder: Path) -> None:
        self.space = f"shop-{uuid4().hex[:8]}"
        self.other, self.cluster = other, other.cluster
        self.repo = PygitRepo(init_bare(folder / "infra.git", author=KEY.public))
        units = ({"name": "shop", "applier": {"kind": "flux", "kustomization": f"{SPACE}/{self.space}"}}, {"name": "edge"})
        self.units = tuple(Unit.model_validate({**u, "path": f"apps/{u['name']}", "target": "k"}) for u in units)
        self.index = UnitIndex.of(self.units, (TargetDocument(name="k", kind="kubernetes"),))
        settings = KubernetesSettings(
            kubeconfig=str(self.cluster.kubeconfig()), timeout_ms=5_000, namespace=f"{self.space}-h", owner=self.space
        )
        self.target = KubernetesTarget.from_settings("k", settings, folder)
        self.target.leave({u.name: by for u in self.units if (by := applied_by(u.applier))})
        self.converger = Converger(self.repo, {"k": self.target})
        self.files: dict[str, str] = {}
        self.head, self.generation = "", 0

    def config(self, name: str, value: Any = "1") -> str:
        return manifest("ConfigMap", name, self.space, data={"a": value})

    def shop(self, image: str = "web:1") -> dict[str, str | None]:
        secret = manifest("Secret", "key", self.space, stringData={"key": "hidden"})
        return {"apps/shop/shop.yaml": manifest("Namespace", self.space, "") + deployment(image, self.space) + secret}

    def flux(self, **spec: Any) -> None:
        self.other.kustomization(self.space, path="./apps/shop", **spec)

    def commit(self, files: dict[str, str | None]) -> str:
        """None takes a file away."""
        self.files = {path: text for path, text in {**self.files, **files}.items() if text is not None}
        changes = {path: None if text is None else text.encode() for path, text in files.items()}
        new = self.repo.write(self.head, changes, "Change", ALICE, 1_000 + self.generation, KEY)
        assert self.repo.move([RefMove(MAIN, self.head, new)])
        self.head = new
        return new

    def push(self, files: dict[str, str | None]) -> str:
        """And source-controller has fetched it."""
        new = self.commit(files)
        self.other.publish(new, self.files)
        return new

    def round(self, unit: str = "shop") -> UnitOutcome:
        self.generation += 1
        result = self.converger.converge(Round(self.index, self.head, "", self.generation, 0))
        found = result.outcome(unit)
        assert found
        return found

    def until(self, reason: Reason) -> UnitOutcome:
        end = time.monotonic() + 60
        while (found := self.round()).reason is not reason:
            assert time.monotonic() < end, (found.reason, found.detail, self.other.status(self.space))
            time.sleep(0.05)
        return found


@pytest.fixture
def site(other: Flux, tmp_path: Path) -> Iterator[Site]:
    made = Site(other, tmp_path)
    made.push({**made.shop(), "apps/edge/edge.yaml": manifest("Namespace", f"{made.space}-e", "")})
    made.flux()
    try:
        yield made
    finally:
        made.target.close()
        with other.cluster.client() as client:
            client.delete(f"{KUSTOMIZATIONS}/{made.space}")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request of our client from now on; watches are GETs of their own method."""
    found: list[Request] = []
    once = Api._once

    async def noted(api: Api, request: Request) -> Any:
        found.append(request)
        return await once(api, request)

    monkeypatch.setattr(Api, "_once", noted)
    return found


def test_a_commit_is_applied_when_flux_has_applied_it(site: Site) -> None:
    site.until(Reason.APPLIED)
    site.commit({"apps/shop/more.yaml": site.config("more")})
    assert site.round().reason is Reason.WAITING
    site.other.publish(site.head, site.files)
    found = site.until(Reason.APPLIED)
    assert found.changes
    assert (found.changes.revision, found.changes.ok) == (site.head, True)
    states = {h.id: h.state for h in site.target.health("shop")}
    assert states.keys() >= {f"Kustomization.kustomize.toolkit.fluxcd.io/{SPACE}/{site.space}", f"ConfigMap/{site.space}/more"}
    soon(lambda: all(h.state is HealthState.HEALTHY for h in site.target.health("shop")), "everything is healthy")


def test_its_tree_leads_from_flux_to_the_pods(site: Site) -> None:
    site.until(Reason.APPLIED)

    def kinds() -> set[str]:
        branches = site.target.tree("shop", str, whole=True).branches
        return {branch.id.partition("/")[0] for top in branches for branch in top.walk()}

    wanted = {"Kustomization.kustomize.toolkit.fluxcd.io", "Deployment.apps", "ReplicaSet.apps"}
    soon(lambda: kinds() >= wanted, f"the whole tree: {kinds()}")


def test_nothing_that_writes_is_sent_for_such_a_unit(site: Site, sent: list[Request]) -> None:
    site.index = UnitIndex.of(site.units[:1], (TargetDocument(name="k", kind="kubernetes"),))
    site.until(Reason.APPLIED)
    with site.cluster.client() as client:
        path = f"/apis/apps/v1/namespaces/{site.space}/deployments/web"
        content = {"Content-Type": "application/merge-patch+json"}
        client.patch(path, json={"spec": {"replicas": 3}}, headers=content).raise_for_status()
    report = site.converger.drift(site.index, site.head, ("shop",), 0)
    asked = Round(site.index, site.head, site.head, 9, 0, drifted=frozenset({"shop"}))
    assert site.converger.converge(asked).outcome("shop")
    site.commit({"apps/shop/shop.yaml": manifest("Namespace", site.space, "")})  # would prune
    site.converger.converge(Round(site.index, site.head, site.head, 10, 0, pending=frozenset({"shop"})))
    for dry_run in (True, False):
        acted = site.target.operate(Act("op", "shop", "restart", f"Deployment.apps/{site.space}/web"), dry_run=dry_run)
        assert (acted.ok, acted.detail) == (
            False,
            f"Flux's Kustomization {SPACE}/{site.space} applies unit shop; Homeostat writes nothing of it",
        )
    site.target.health("shop")
    site.target.troubles(["shop"])
    site.index = UnitIndex.of((), (TargetDocument(name="k", kind="kubernetes"),))
    site.target.leave({})  # the unit is gone from homeostat.yaml
    result = site.converger.converge(Round(site.index, site.head, "", 11, 0))
    assert (result.orphans, result.outcomes) == ((), ())
    assert report.correct == frozenset()
    assert sent
    assert {r.method for r in sent} <= READS
    assert not [r for r in sent if r.path.endswith("/secrets/key") and "Metadata" not in r.accept]


def test_a_plan_of_such_a_unit_is_refused_before_anything_is_sent(site: Site, sent: list[Request]) -> None:
    made = site.converger._cache.get(site.repo, site.head, site.units[0], "kubernetes")
    with pytest.raises(Permanent, match="applies unit shop"):
        site.target.plan(made.rendered, site.head, 1)  # type: ignore[union-attr]
    assert not sent


def test_what_flux_cannot_apply_is_told_in_its_words(site: Site) -> None:
    site.until(Reason.APPLIED)
    site.push({"apps/shop/more.yaml": site.config("more", {"not": "text"})})
    found = site.until(Reason.ERROR)
    assert found.detail.startswith(f"Flux's Kustomization {SPACE}/{site.space}: ")
    assert f"ConfigMap/{site.space}/more" in found.detail
    site.push({"apps/shop/more.yaml": site.config("more", "text")})
    site.until(Reason.APPLIED)


def test_what_flux_finds_unhealthy_is_told_and_the_pods_say_why(site: Site) -> None:
    site.flux(wait=True, timeout="5s")
    site.until(Reason.APPLIED)
    site.push(site.shop("web:2-missing"))
    assert f"Deployment/{site.space}/web" in site.until(Reason.UNHEALTHY).detail
    told = {(t.object, t.kind) for t in site.target.troubles(["shop"])}
    assert (f"Deployment.apps/{site.space}/web", TroubleKind.IMAGE_PULL) in told


def test_what_a_person_suspended_is_told(site: Site) -> None:
    site.until(Reason.APPLIED)
    site.flux(suspend=True)
    site.push({"apps/shop/more.yaml": site.config("more")})
    assert "it is suspended" in site.until(Reason.ERROR).detail


def test_what_flux_applies_is_not_taken_by_a_unit_of_ours(site: Site, sent: list[Request]) -> None:
    site.until(Reason.APPLIED)
    site.commit({"apps/edge/shop.yaml": deployment("web:9", site.space)})
    found = site.round("edge")
    assert f"Deployment.apps/{site.space}/web already belongs to unit shop" in found.detail
    assert not [r for r in sent if r.method != "GET" and f"/{site.space}/" in r.path]


def test_an_object_with_marks_of_flux_is_refused_until_flux_is_gone(site: Site) -> None:
    site.until(Reason.APPLIED)
    site.target.leave({})  # homeostat.yaml says nothing of Flux
    site.index = UnitIndex.of(site.units[1:], (TargetDocument(name="k", kind="kubernetes"),))
    site.commit({"apps/edge/key.yaml": manifest("Secret", "key", site.space, stringData={"key": "ours"})})
    found = site.round("edge")
    assert found.reason is Reason.ERROR
    assert f"Secret/{site.space}/key is applied by Flux's Kustomization {SPACE}/{site.space}" in found.detail
    assert f"applier: {{kind: flux, kustomization: {SPACE}/{site.space}}}" in found.detail
    site.flux(deletionPolicy="Orphan")
    site.other.delete(site.space)
    with site.cluster.client() as client:
        soon(lambda: client.get(f"{KUSTOMIZATIONS}/{site.space}").status_code == 404, "Flux let go")
    assert "is applied by" not in site.round("edge").detail


def test_an_object_that_moved_to_flux_is_not_deleted_by_the_unit_that_had_it(site: Site) -> None:
    extra = manifest("ConfigMap", "moved", f"{site.space}-e", data={"a": "1"})
    site.commit({"apps/edge/moved.yaml": extra})
    assert site.round("edge").reason is Reason.APPLIED
    site.push({"apps/edge/moved.yaml": None, "apps/shop/moved.yaml": extra})
    site.until(Reason.APPLIED)
    assert site.round("edge").ok
    only = Round(site.index, site.head, site.head, 99, 0, pending=frozenset({"edge"}))
    assert site.converger.converge(only).ok
    with site.cluster.client() as client:
        assert client.get(f"/api/v1/namespaces/{site.space}-e/configmaps/moved").status_code == 200
