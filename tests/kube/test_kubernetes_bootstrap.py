"""Homeostat's own objects and rights: applied through itself, enough for its units, and none of them spare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit, desired, soon

from reconciler.adapters.targets.kubernetes import installing
from reconciler.adapters.targets.kubernetes.rights import BUILT_IN, Wants, grants, manifests, own_account, plural
from reconciler.adapters.targets.kubernetes.visiting import plurals
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.errors import HomeostatError
from reconciler.model.revisions import Manner

pytestmark = pytest.mark.peer
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Installed:
    """Homeostat's objects in `space`, applied by a person's Homeostat with every right; the unit `shop` as its account."""

    def __init__(self, cluster: Cluster, space: str, account: str = "", more: Sequence[Manifest] = ()) -> None:
        self.cluster, self.space, self.account = cluster, space, account
        self.settings = KubernetesSettings(namespace=space, owner=space)
        with cluster_unit(cluster, space) as plain:
            self.wanted = [plain.config(a="1"), plain.deployment()]
        wants = Wants("shop", account, [desired(m) for m in (*self.wanted, *more)])
        granted = grants([wants], self.settings, frozenset(), {})
        self.objects = [
            *installing.manifests(self.settings, installing.Installed("homeostat:1")),
            *manifests(granted, own_account(self.settings)),
        ]

    @property
    def manner(self) -> Manner:
        return Manner(f"system:serviceaccount:{self.account.replace('/', ':')}" if self.account else "")

    def apply(self) -> None:
        with self.cluster.client() as client:
            client.post("/api/v1/namespaces", json={"metadata": {"name": self.space + "-boot"}}).raise_for_status()
        with cluster_unit(self.cluster, self.space + "-boot") as boot:
            changes = boot.put(*self.objects)
            assert [(r.id, r.detail) for r in changes.results if not r.ok] == []

    def unit(self) -> ClusterUnit:
        """The unit as the account sees it: its token, nothing of a person's."""
        with self.cluster.client() as client:
            path = f"/api/v1/namespaces/{self.space}/serviceaccounts/{self.space}/token"
            answer = client.post(path, json={"spec": {"expirationSeconds": 3600}}).raise_for_status().json()
        self.cluster.tokens[self.space] = answer["status"]["token"]
        return ClusterUnit(self.cluster, self.space, user=self.space)

    def without(self, kind: str, name: str, resource: str, verb: str) -> None:
        """Takes one verb on one resource away from a role."""
        path = f"{RBAC}/namespaces/{self.space}/roles/{name}" if kind == "Role" else f"{RBAC}/clusterroles/{name}"
        with self.cluster.client() as client:
            role = client.get(path).raise_for_status().json()
            role["rules"] = [rule for old in role["rules"] for rule in _split(old, resource, verb)]
            client.put(path, json=role).raise_for_status()


def _split(rule: dict[str, Any], resource: str, verb: str) -> list[dict[str, Any]]:
    if resource not in rule["resources"] or verb not in rule["verbs"]:
        return [rule]
    others = [r for r in rule["resources"] if r != resource]
    kept = [{**rule, "resources": others}] if others else []
    verbs = [v for v in rule["verbs"] if v != verb]
    return [*kept, {**rule, "resources": [resource], "verbs": verbs}] if verbs else kept


@pytest.fixture
def installed(api_server: Cluster, namespace: str) -> Installed:
    made = Installed(api_server, namespace)
    made.apply()
    return made


def tries(unit: ClusterUnit, *wanted: Manifest, manner: Manner | None = None) -> str:
    """What went wrong, "" when nothing did."""
    try:
        return "; ".join(r.detail for r in unit.put(*wanted, manner=manner).results if not r.ok)
    except HomeostatError as error:
        return str(error)


def works(unit: ClusterUnit, installed: Installed) -> None:
    """Once the API server has heard of the roles: creations, an update, a correction, a deletion."""
    soon(lambda: not tries(unit, *installed.wanted, manner=installed.manner), "applied with the generated rights")
    config, deployment = installed.wanted
    assert not tries(unit, {**config, "data": {"a": "2"}}, deployment, manner=installed.manner)
    assert not tries(unit, deployment, manner=installed.manner)
    assert set(unit.target.observe("shop").objects) == {f"Deployment.apps/{installed.space}/web"}


def test_as_its_own_account_it_applies_and_deletes_what_its_units_bring(installed: Installed) -> None:
    unit = installed.unit()
    try:
        works(unit, installed)
        assert "forbidden" in tries(
            unit, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": unit.space}}
        )
    finally:
        unit.target.close()


def test_secrets_are_read_where_the_unit_has_some_and_nowhere_else(api_server: Cluster, namespace: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}, "data": {"a": "MQ=="}}
    installed = Installed(api_server, namespace, more=[secret])
    installed.apply()
    unit = installed.unit()
    try:
        soon(lambda: not tries(unit, secret, *installed.wanted), "applied with the generated rights")
        assert "Secret/" + namespace + "/s" in unit.target.observe("shop").objects
        unit.patch(f"/api/v1/namespaces/{namespace}/secrets/s", {"data": {"a": "Mg=="}})
        soon(lambda: "shop" in unit.target.changed(), "a change is heard of")
        assert not tries(unit, *installed.wanted)
        assert "Secret/" + namespace + "/s" not in unit.target.observe("shop").objects
        with api_server.client(namespace) as own:
            assert own.get(f"/api/v1/namespaces/{namespace}/secrets").status_code == 200
            assert own.get("/api/v1/secrets").status_code == 403
            assert own.get("/api/v1/namespaces/kube-system/secrets").status_code == 403
    finally:
        unit.target.close()


@pytest.mark.parametrize(
    ("kind", "resource", "verb"),
    [
        ("ClusterRole", "configmaps", "watch"), ("ClusterRole", "deployments", "list"), ("Role", "configmaps", "create"),
        ("Role", "deployments", "patch"), ("Role", "leases", "create"), ("Role", "configmaps", "update"),
    ],
)  # fmt: skip
def test_without_one_right_it_fails_and_names_the_right(installed: Installed, kind: str, resource: str, verb: str) -> None:
    installed.without(kind, installed.space, resource, verb)
    said: list[str] = []

    def fails() -> bool:
        unit = installed.unit()
        try:
            unit.generation = len(said)
            said.append(tries(unit, *installed.wanted))
        finally:
            unit.target.close()
        return f'cannot {verb} resource "{resource}"' in said[-1]

    soon(fails, f"an error that names {verb} on {resource}, not {said}", 60)


def test_a_tenant_is_impersonated_and_has_the_rights_to_write(api_server: Cluster, namespace: str) -> None:
    installed = Installed(api_server, namespace, account=f"{namespace}/deployer")
    installed.apply()
    unit = installed.unit()
    try:
        works(unit, installed)
        more = unit.deployment(replicas=3)
        assert 'cannot patch resource "deployments"' in tries(unit, more)  # in its own name it may only read
        other = Manner(f"system:serviceaccount:{namespace}:somebody")
        assert 'cannot impersonate resource "serviceaccounts"' in tries(unit, more, manner=other)
    finally:
        unit.target.close()


def test_a_unit_that_brings_roles_gives_nobody_more_than_homeostat_has(api_server: Cluster, namespace: str) -> None:
    def role(*verbs: str) -> Manifest:
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": list(verbs)}]
        metadata = {"name": "r", "namespace": namespace}
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules}

    installed = Installed(api_server, namespace, more=[role("get")])
    installed.apply()
    unit = installed.unit()
    try:
        works(unit, installed)
        assert not tries(unit, role("get", "patch"))
        assert "attempting to grant RBAC permissions not currently held" in tries(unit, role("get", "deletecollection"))
    finally:
        unit.target.close()


def test_the_pod_template_passes_the_restricted_standard(installed: Installed) -> None:
    (deployment,) = [m for m in installed.objects if m["kind"] == "Deployment"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": deployment["spec"]["template"]["spec"]}
    with installed.cluster.client() as client:
        path = f"/api/v1/namespaces/{installed.space}/pods?dryRun=All"
        answer = client.post(path, json=pod)
        assert answer.status_code == 201, answer.text
        pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = False
        del pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"]
        assert client.post(path, json=pod).status_code == 403  # the namespace enforces it


def test_every_built_in_kind_is_called_as_the_server_calls_it(api_server: Cluster) -> None:
    told = plurals(str(api_server.kubeconfig()), "")
    built_in = {kind: name for kind, name in told.items() if kind.partition(".")[2] in BUILT_IN}
    assert len(built_in) > 50
    assert {kind: plural(kind.partition(".")[0]) for kind in built_in} == built_in
