"""What a unit, a person or a cluster may get wrong: told at the right object, and everything else is applied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit, soon

from reconciler.adapters.targets.kubernetes import KubernetesTarget, lease
from reconciler.errors import Elsewhere, Retryable

pytestmark = pytest.mark.peer
OBJECTS = 10_000 if os.environ.get("FULL") else 1_200  # more than two pages of a list
LEASES = "/apis/coordination.k8s.io/v1/namespaces"


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def named(unit: ClusterUnit, version: str, kind: str, name: str = "odd") -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": unit.space}}


def role(unit: ClusterUnit, name: str, verb: str) -> Manifest:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}]
    return {**named(unit, "rbac.authorization.k8s.io/v1", "Role", name), "rules": rules}


@pytest.mark.parametrize(
    ("version", "kind", "told"),
    [
        ("example.com/v1", "Nothing", "the cluster serves no example.com/v1 Nothing; is its CRD there?"),
        ("extensions/v1beta1", "Deployment", "the cluster serves no extensions/v1beta1 Deployment; it serves apps/v1"),
        ("apps/v9", "Deployment", "the cluster serves no apps/v9 Deployment; it serves apps/v1"),
        ("v1", "configmap", "the cluster serves no v1 configmap; it serves v1 ConfigMap"),
    ],
)
def test_a_kind_or_version_that_is_not_served_is_told_with_what_is(unit: ClusterUnit, version: str, kind: str, told: str) -> None:
    changes = unit.put(named(unit, version, kind), unit.config(a="1"))
    (failed,) = [r for r in changes.results if not r.ok]
    assert failed.id.endswith("/odd")
    assert told in failed.detail
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1"}


def test_names_that_differ_by_case_are_two_objects(unit: ClusterUnit) -> None:
    assert unit.put(role(unit, "reader", "get"), role(unit, "Reader", "list")).ok
    assert unit.plan(role(unit, "reader", "get"), role(unit, "Reader", "list")).is_empty
    assert unit.put(role(unit, "Reader", "list")).ok
    found = unit.ask("GET", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{unit.space}/roles")["items"]
    assert [i["metadata"]["name"] for i in found] == ["Reader"]


def test_a_name_that_the_server_does_not_take_is_told_at_its_object(unit: ClusterUnit) -> None:
    changes = unit.put(unit.config("Settings", a="1"), unit.config("settings", a="2"))
    (failed,) = [r for r in changes.results if not r.ok]
    assert failed.id.endswith("/Settings")
    assert "lowercase" in failed.detail
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "2"}


def test_a_unit_of_very_many_objects_is_applied_listed_again_and_recorded(unit: ClusterUnit) -> None:
    many = [unit.config(f"c{n}", a=str(n)) for n in range(OBJECTS)]
    assert unit.put(*many).ok
    unit.target.close()
    unit.open()
    assert unit.plan(*many).is_empty
    assert len(unit.target.observe("shop").inventory) == OBJECTS


def test_a_token_that_has_expired_is_told_and_the_next_one_is_taken_without_a_restart(
    api_server: Cluster, unit: ClusterUnit, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("expired")
    config: dict[str, Any] = yaml.safe_load(api_server.kubeconfig().read_text())
    config["users"] = [{"name": "admin", "user": {"tokenFile": str(token)}}]
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    unit.target.close()
    settings = unit.settings.model_copy(update={"kubeconfig": str(tmp_path / "kubeconfig"), "timeout_ms": 1_000})
    unit.target = KubernetesTarget.from_settings("k", settings, tmp_path)
    with pytest.raises(Retryable, match="Unauthorized"):
        unit.put(unit.config(a="1"))
    token.write_text(api_server.tokens["admin"])

    def applied() -> bool:
        try:
            return unit.put(unit.config(a="1")).ok
        except Retryable:
            return False

    soon(applied, "the new token is taken")


@pytest.mark.parametrize("renewed", ["2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"], ids=["behind", "ahead"])
def test_a_holder_whose_clock_is_wrong_is_neither_robbed_nor_waited_for_longer(
    unit: ClusterUnit, monkeypatch: pytest.MonkeyPatch, renewed: str
) -> None:
    monkeypatch.setattr(lease, "DURATION_S", 2.0)
    spec = {"holderIdentity": "other", "leaseDurationSeconds": 2, "renewTime": renewed, "acquireTime": renewed}
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": f"homeostat-{unit.space}"},
        "spec": spec,
    }
    unit.ask("POST", f"{LEASES}/{unit.space}/leases", body)
    with pytest.raises(Elsewhere, match="converged by other"):
        unit.put(unit.config(a="1"))

    def taken() -> bool:
        try:
            return unit.put(unit.config(a="1")).ok
        except Elsewhere:
            return False

    assert 1 < soon(taken, "a holder that renews nothing is gone") < 10
