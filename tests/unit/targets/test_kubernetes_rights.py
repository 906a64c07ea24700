"""Rights: generated from what units render to, each where it is needed."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.adapters.targets.kubernetes.rights import Wants, grants, manifests, own_account
from reconciler.documents.installation_parts import KubernetesSettings, VolumeSettings
from reconciler.errors import Misconfigured
from reconciler.model.appliers import AppliedBy
from reconciler.model.revisions import DesiredObject

SETTINGS = KubernetesSettings(node_units=("infra",))
OWN = "homeostat-system/homeostat"


def wants(unit: str, *ids: str, account: str = "", **spec: Any) -> Wants:
    return Wants(unit, account, [DesiredObject(i, unit, spec, f"apps/{unit}.yaml", "sha256:0") for i in ids])


def verbs(found: Any, account: str, space: str, resource: str) -> str:
    return " ".join(sorted(v for (r, _), held in found.held.get((account, space), {}).items() if r == resource for v in held))


def test_reading_is_by_kind_and_writing_where_the_objects_are() -> None:
    found = grants([wants("shop", "Deployment.apps/shop/web")], SETTINGS, frozenset(), {})
    assert verbs(found, OWN, "", "deployments.apps") == "list watch"
    assert verbs(found, OWN, "shop", "deployments.apps") == "create delete get patch"
    assert verbs(found, OWN, "shop", "pods") == "get list"
    assert verbs(found, OWN, "shop", "pods/eviction") == ""


def test_a_unit_with_an_account_writes_in_its_name_alone() -> None:
    found = grants([wants("shop", "ConfigMap/shop/a", account="shop/deployer")], SETTINGS, frozenset(), {})
    assert verbs(found, OWN, "shop", "configmaps") == "get"
    assert verbs(found, "shop/deployer", "shop", "configmaps") == "create delete patch"
    assert found.held[OWN, "shop"]["serviceaccounts", ("deployer",)] == {"impersonate"}


def test_a_unit_that_another_applier_applies_is_only_read() -> None:
    by = AppliedBy("flux", "flux-system", "shop")
    unit = replace(wants("shop", "Deployment.apps/shop/web"), by=by)
    found = grants([unit], SETTINGS, frozenset({"evict"}), {})
    assert found.held[OWN, "flux-system"] == {("kustomizations.kustomize.toolkit.fluxcd.io", ("shop",)): {"get"}}
    every = {
        v for (_, space), rules in found.held.items() if space != "homeostat-system" for verbs in rules.values() for v in verbs
    }
    assert every == {"get", "list"}
    assert verbs(found, OWN, "", "deployments.apps") == ""


def test_what_its_objects_own_is_read_for_its_tree() -> None:
    found = grants([wants("shop", "Deployment.apps/shop/web", "Service/shop/web")], SETTINGS, frozenset(), {})
    assert verbs(found, OWN, "shop", "replicasets.apps") == "get list"
    assert verbs(found, OWN, "shop", "endpointslices.discovery.k8s.io") == "get list"
    assert verbs(found, OWN, "shop", "jobs.batch") == ""


def test_acts_get_their_rights_only_where_they_are_allowed() -> None:
    units = [wants("shop", "Deployment.apps/shop/web"), wants("infra", "ConfigMap/infra/a")]
    found = grants(units, SETTINGS, frozenset({"evict", "drain", "run-job"}), {})
    assert verbs(found, OWN, "shop", "pods/eviction") == "create"
    assert verbs(found, OWN, "shop", "jobs.batch") == "create get"
    assert (verbs(found, OWN, "", "nodes"), verbs(found, OWN, "", "pods")) == ("get patch", "list")
    nobody = grants(units, KubernetesSettings(), frozenset({"drain"}), {})
    assert verbs(nobody, OWN, "", "nodes") == "get"  # no unit may touch nodes


def test_secrets_are_listed_only_where_a_unit_has_some() -> None:
    found = grants([wants("shop", "Secret/shop/token", "ConfigMap/shop/a")], SETTINGS, frozenset(), {})
    assert verbs(found, OWN, "", "secrets") == ""
    assert verbs(found, OWN, "shop", "secrets") == "create delete get list patch watch"
    assert verbs(found, OWN, "", "configmaps") == "list watch"


def test_kubelets_may_be_asked_only_where_the_settings_ask_for_volumes() -> None:
    units = [wants("shop", "PersistentVolumeClaim/shop/data")]
    asked = KubernetesSettings(volumes=VolumeSettings())
    assert verbs(grants(units, asked, frozenset(), {}), OWN, "", "nodes/stats") == "get"
    assert verbs(grants(units, KubernetesSettings(), frozenset(), {}), OWN, "", "nodes/stats") == ""


def test_kinds_of_definitions_in_the_units_are_known_by_them() -> None:
    spec = {"group": "example.com", "names": {"kind": "Octopus", "plural": "octopodes"}}
    crd = wants("crds", "CustomResourceDefinition.apiextensions.k8s.io/octopodes.example.com", spec=spec)
    found = grants([crd, wants("sea", "Octopus.example.com/sea/one")], SETTINGS, frozenset(), {})
    assert verbs(found, OWN, "sea", "octopodes.example.com") == "create delete get patch"


def test_a_kind_that_nobody_knows_is_refused_with_what_to_do() -> None:
    with pytest.raises(Misconfigured) as told:
        grants([wants("sea", "Octopus.example.com/sea/one")], SETTINGS, frozenset(), {})
    assert "--context" in told.value.next_step
    assert grants([wants("sea", "Octopus.example.com/sea/one")], SETTINGS, frozenset(), {"Octopus.example.com": "octopodes"})


def test_roles_are_the_same_bytes_whatever_the_order_and_grant_no_escalation() -> None:
    units = [wants("shop", "ConfigMap/shop/a", "Role.rbac.authorization.k8s.io/shop/r"), wants("edge", "Service/edge/b")]
    made = manifests(grants(units, SETTINGS, frozenset(), {}), own_account(SETTINGS))
    assert made == manifests(grants(units[::-1], SETTINGS, frozenset(), {}), own_account(SETTINGS))
    every = {verb for role in made for rule in role.get("rules", ()) for verb in rule["verbs"]}
    assert every <= {"create", "delete", "get", "list", "patch", "update", "watch"}
