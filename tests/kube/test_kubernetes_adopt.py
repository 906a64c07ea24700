"""A live namespace becomes files, and the files applied as a unit change nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from adopted_shop import others, workloads
from cluster.controlplane import Cluster
from kubernetes_unit import Manifest, cluster_unit, soon

from reconciler.adapters.targets.kubernetes import adopting
from reconciler.adapters.targets.kubernetes.adopting import Harvest, harvest
from reconciler.adapters.targets.kubernetes.stripping import same, stripped
from reconciler.adapters.targets.kubernetes.visiting import visit
from reconciler.cli import main
from reconciler.model.revisions import Manner

pytestmark = pytest.mark.peer


class Space:
    """A namespace of a whole cluster, as a person looks at it."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        self.kubeconfig = str(cluster.kubeconfig())

    def fill(self) -> None:
        for at, manifest in (*others(), *workloads()):
            root, _, plural = at.partition(":")
            self.ask("POST", f"{root}/namespaces/{self.name}/{plural}?fieldManager=kubectl-create", manifest)
        scale = f"/apis/apps/v1/namespaces/{self.name}/deployments/web/scale"
        found = self.ask("GET", scale)
        self.ask("PUT", f"{scale}?fieldManager=scaler", {**found, "spec": {"replicas": 3}})
        pods = f"/api/v1/namespaces/{self.name}/pods?labelSelector=app%3Dweb"
        soon(lambda: len(self.ask("GET", pods)["items"]) >= 5, "controllers made the pods", 60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        with self.cluster.client() as client:
            answer = client.request(method, path, json=body)
            assert answer.status_code < 300, answer.text
            return answer.json()

    def harvest(self) -> Harvest:
        return visit(self.kubeconfig, "", lambda api, kinds: harvest(api, kinds, self.name))

    def live(self, manifest: Manifest) -> Any:
        """As the cluster has it, without its own status, which goes on by itself."""
        kind, api, metadata = manifest["kind"], manifest["apiVersion"], manifest["metadata"]
        plural = "ingresses" if kind == "Ingress" else "networkpolicies" if kind == "NetworkPolicy" else kind.lower() + "s"
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        inside = f"/namespaces/{self.name}" if metadata.get("namespace") else ""
        found = self.ask("GET", f"{root}{inside}/{plural}/{metadata['name']}")
        found.pop("status", None)
        return found

    def replica_sets(self) -> list[str]:
        items = self.ask("GET", f"/apis/apps/v1/namespaces/{self.name}/replicasets")["items"]
        return sorted(item["metadata"]["uid"] for item in items)


@pytest.fixture(scope="module")
def space(whole_cluster: Cluster) -> Space:
    made = Space(whole_cluster, "adopted-shop")
    made.ask("POST", "/api/v1/namespaces", {"metadata": {"name": made.name, "labels": {"team": "payments"}}})
    made.fill()
    return made


def test_files_hold_what_people_wrote_and_nothing_that_the_cluster_adds(space: Space) -> None:
    found = space.harvest()
    assert found.changes == {}
    assert found.manifests[f"ServiceAccount/{space.name}/runner"] == {
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner", "namespace": space.name},
    }  # fmt: skip
    assert found.manifests[f"Namespace/{space.name}"]["metadata"] == {"name": space.name, "labels": {"team": "payments"}}
    written = {at.split("/")[-1] + "." + at.split(".")[0].split("/")[0]: m for at, m in found.manifests.items()}
    for _, manifest in others() + workloads():
        key = f"{manifest['metadata']['name']}.{manifest['kind']}"
        if manifest["kind"] not in ("Secret", "Job"):
            assert key in written
    service = written["web.Service"]
    assert service["spec"] == {"ports": [{"port": 80}], "selector": {"app": "web"}}
    (template,) = [m["spec"]["template"] for k, m in written.items() if k == "plain.Deployment"]
    original = next(m for _, m in workloads() if m["metadata"]["name"] == "plain")["spec"]["template"]
    assert template == {**original, "spec": {**original["spec"], "containers": template["spec"]["containers"]}}
    assert template["spec"]["containers"][1] == original["spec"]["containers"][1]


def test_children_once_only_objects_and_secrets_are_left_out_and_told(space: Space) -> None:
    found = space.harvest()
    kinds = {at.split("/")[0] for at in found.manifests}
    assert not kinds & {"Pod", "ReplicaSet.apps", "Job.batch", "Secret", "Event", "ControllerRevision.apps"}
    assert f"ConfigMap/{space.name}/kube-root-ca.crt" not in found.manifests
    assert found.secrets == (f"Secret/{space.name}/password",)
    assert "Operation" in found.left[f"Job.batch/{space.name}/once"]
    assert found.appliers == {f"ConfigMap/{space.name}/charted": "Helm"}


def test_replicas_that_a_scaler_sets_are_the_scalers(space: Space) -> None:
    found = space.harvest()
    assert "replicas" not in found.manifests[f"Deployment.apps/{space.name}/web"]["spec"]
    assert found.manifests[f"Deployment.apps/{space.name}/plain"]["spec"]["replicas"] == 1


def test_a_file_that_would_change_something_is_told(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(kind: str, live: Manifest, *, scaled: bool) -> Manifest:
        made = stripped(kind, live, scaled=scaled)
        return {**made, "data": {"more": "1"}} if kind == "ConfigMap" else made

    monkeypatch.setattr(adopting, "stripped", wrong)
    changes = space.harvest().changes
    assert {at.split("/")[0] for at in changes} == {"ConfigMap"}
    assert set(changes.values()) == {"applying it would change it"}


def test_what_was_left_out_as_a_default_comes_back_in_a_new_cluster(space: Space) -> None:
    """Made anew elsewhere from the files, the same specs come out."""
    copy = space.name + "-copy"
    space.ask("POST", "/api/v1/namespaces", {"metadata": {"name": copy}})
    plurals = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets", "CronJob": "cronjobs"}
    for at, manifest in space.harvest().manifests.items():
        if (plural := plurals.get(manifest["kind"])) and not at.endswith("/web"):
            body = {**manifest, "metadata": {**manifest["metadata"], "namespace": copy}}
            made = space.ask("POST", f"/apis/{manifest['apiVersion']}/namespaces/{copy}/{plural}?dryRun=All", body)
            assert made["spec"] == space.live(manifest)["spec"], at


def test_twice_gives_the_same_bytes_and_no_secret_value_in_any(
    space: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "apps" / "shop"
    command = ["adopt", space.name, "--unit", "shop", "--kubeconfig", space.kubeconfig, "--out", str(out)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "applying them changes nothing" in said
    assert f"Secret/{space.name}/password" in said
    assert "sops" in said
    assert f"ConfigMap/{space.name}/invisible: it holds text that no strict reader takes" in said
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    assert main(command) == 0
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert b"hunter2" not in b"".join(before.values())
    assert {yaml.safe_load(data)["kind"] for data in before.values()} >= {"Deployment", "Namespace", "Ingress"}


def test_applied_as_a_unit_nothing_changes_and_the_next_plan_is_empty(space: Space) -> None:
    found = [json.loads(json.dumps(m)) for m in space.harvest().manifests.values()]
    before, sets = [space.live(m) for m in found], space.replica_sets()
    with cluster_unit(space.cluster, space.name) as unit:
        assert unit.put(*found, manner=Manner(adopt=True)).ok
        after = [space.live(m) for m in found]
        for one, other in zip(before, after, strict=True):
            assert same(one, _unmarked(other))
        assert unit.plan(*found, manner=Manner(adopt=True)).steps == ()
    assert space.replica_sets() == sets  # no pod was replaced
    assert {why for at, why in space.harvest().left.items() if at.endswith("/settings")} == {
        "unit shop of Homeostat has it already"
    }


def _unmarked(obj: Any) -> Any:
    metadata = {**obj["metadata"]}
    for part in ("labels", "annotations"):
        kept = {k: v for k, v in (metadata.pop(part, None) or {}).items() if not k.startswith("homeostat.dev/")}
        metadata |= {part: kept} if kept else {}
    return {**obj, "metadata": metadata}


def test_a_namespace_that_is_not_there_is_told(space: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["adopt", "nowhere", "--unit", "x", "--kubeconfig", space.kubeconfig, "--out", str(tmp_path)]
    assert main(command) == 1
    assert 'cannot read namespace nowhere: namespaces "nowhere" not found' in capsys.readouterr().err
