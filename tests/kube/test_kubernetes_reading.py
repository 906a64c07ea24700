"""A plan by somebody who may only read: the same differences, and a word about what the server did not try."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit

from reconciler.adapters.targets.kubernetes.spelling import NOT_TRIED
from reconciler.model.revisions import Manner, Verb

pytestmark = pytest.mark.peer
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
def writer(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


@pytest.fixture
def reader(writer: ClusterUnit) -> Iterator[ClusterUnit]:
    """The same unit through a service account that may get, list and watch."""
    space = writer.space
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": space}
    writer.ask("POST", f"/api/v1/namespaces/{space}/serviceaccounts", {"metadata": {"name": "reader"}})
    writer.ask("POST", f"/apis/{GROUP}/v1/clusterroles", {"metadata": {"name": space}, "rules": rules})
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": space}
    bound = {"metadata": {"name": space}, "roleRef": role, "subjects": [subject]}
    writer.ask("POST", f"/apis/{GROUP}/v1/clusterrolebindings", bound)
    asked = f"/api/v1/namespaces/{space}/serviceaccounts/reader/token"
    token = writer.ask("POST", asked, {"spec": {"expirationSeconds": 3_600}})["status"]["token"]
    assert isinstance(writer.cluster, Cluster)
    config = yaml.safe_load(writer.cluster.kubeconfig().read_text())
    config["users"] = [{"name": "admin", "user": {"token": token}}]
    own = writer.cluster.folder / f"{space}.kubeconfig"
    own.write_text(yaml.safe_dump(config))
    with cluster_unit(writer.cluster, space) as made:
        made.target.close()
        made.settings = made.settings.model_copy(update={"kubeconfig": str(own)})
        made.generation = 10
        made.open()
        yield made


def steps(unit: ClusterUnit, *manifests: Manifest) -> list[tuple[Verb, tuple[tuple[str, str, str], ...]]]:
    return [(step.verb, step.fields) for step in unit.plan(*manifests).steps]


def test_what_is_as_it_was_applied_needs_no_trying(writer: ClusterUnit, reader: ClusterUnit) -> None:
    assert writer.put(writer.deployment(), writer.config(a="1")).ok
    assert steps(reader, writer.deployment(), writer.config(a="1")) == []


def test_changes_and_drift_are_shown_field_by_field_as_a_writer_sees_them(writer: ClusterUnit, reader: ClusterUnit) -> None:
    assert writer.put(writer.deployment(), writer.config(a="1", b="1")).ok
    writer.ask("PATCH", f"{writer.configs}/settings", {"data": {"a": "9"}}, "application/merge-patch+json")
    wanted = (writer.deployment(image="shop:2"), writer.config(a="1", b="1"), writer.config("more", c="1"))
    writer.target.close()
    writer.open()
    assert steps(reader, *wanted) == steps(writer, *wanted)
    image = ("/spec/template/spec/containers[name=web]/image", "shop:1", "shop:2")
    assert (Verb.UPDATE, (image,)) in steps(reader, *wanted)
    assert (Verb.UPDATE, (("/data/a", "9", "1"),)) in steps(reader, *wanted)


def test_it_says_that_the_server_did_not_try_it_and_refuses_nothing(writer: ClusterUnit, reader: ClusterUnit) -> None:
    assert writer.put(writer.config(a="1")).ok
    done = reader.target.dry_run(reader.plan(writer.config(a="2"), writer.config("more", c="1")))
    assert done.ok
    assert [r.detail for r in done.results] == [NOT_TRIED, NOT_TRIED]


def test_an_account_that_may_not_be_impersonated_is_the_same(writer: ClusterUnit, reader: ClusterUnit) -> None:
    manner = Manner(user=f"system:serviceaccount:{writer.space}:deployer")
    assert writer.put(writer.config(a="1")).ok
    done = reader.target.dry_run(reader.plan(writer.config(a="2"), manner=manner))
    assert [(r.ok, r.detail) for r in done.results] == [(True, NOT_TRIED)]


def test_whoever_may_patch_is_still_told_what_the_server_refuses(writer: ClusterUnit) -> None:
    writer.generation += 1
    done = writer.target.dry_run(writer.plan(writer.deployment(replicas=-1)))
    assert not done.ok
    assert "replicas" in done.results[0].detail


def test_replicas_that_a_scaler_set_stay_its_own_for_a_process_that_saw_nothing_before(writer: ClusterUnit) -> None:
    assert writer.put(writer.deployment(replicas=2)).ok
    scale = writer.ask("GET", f"{writer.deployments}/web/scale")
    scale["spec"]["replicas"] = 5
    writer.ask("PUT", f"{writer.deployments}/web/scale", scale)
    writer.target.close()
    writer.open()
    assert writer.put(writer.deployment(replicas=2, image="shop:2")).ok
    assert writer.ask("GET", f"{writer.deployments}/web")["spec"]["replicas"] == 5
