"""What differs from Git on a real cluster, field by field: who wrote it, and why it may stay."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit, desired, soon

from reconciler.model.differences import Difference, FieldDifference, Whose
from reconciler.model.revisions import FieldRule, Manner, Owner, Rendered

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def look(unit: ClusterUnit, *manifests: Manifest, rules: tuple[FieldRule, ...] = ()) -> Sequence[Difference]:
    rendered = Rendered("shop", "k", "0" * 40, tuple(map(desired, manifests)), Manner(fields=rules))
    return unit.target.differences(rendered, lambda text: text.replace("hunter22", "(hidden)"))


def fields(unit: ClusterUnit, *manifests: Manifest, rules: tuple[FieldRule, ...] = ()) -> list[FieldDifference]:
    return [field for difference in look(unit, *manifests, rules=rules) for field in difference.fields]


def afresh(unit: ClusterUnit) -> None:
    unit.target.close()
    unit.open()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_changed_field_names_who_wrote_it_and_when(unit: ClusterUnit, fresh: bool) -> None:
    wanted = unit.config(a="1", b="1")
    assert unit.put(wanted).ok
    unit.ask(
        "PATCH", f"{unit.configs}/settings?fieldManager=kubectl-edit", {"data": {"a": "hunter22"}}, "application/merge-patch+json"
    )
    if fresh:
        afresh(unit)
    soon(lambda: bool(fields(unit, wanted)), "the change is seen")
    (field,) = fields(unit, wanted)
    assert (field.path, field.desired, field.live, field.manager) == ("/data/a", "1", "(hidden)", "kubectl-edit")
    assert (field.whose, field.why) == (Whose.GIT, "")
    assert abs(field.when_ms - time.time() * 1_000) < 60_000


@pytest.mark.parametrize("fresh", [False, True])
def test_what_the_server_only_writes_differently_is_no_difference(unit: ClusterUnit, fresh: bool) -> None:
    assert unit.put(unit.deployment()).ok
    if fresh:
        afresh(unit)
    before = unit.target.requests
    assert look(unit, unit.deployment()) == []
    assert fresh or unit.target.requests == before


@pytest.mark.parametrize("fresh", [False, True])
def test_replicas_that_a_scaler_sets_are_its_own_and_it_says_so(unit: ClusterUnit, fresh: bool) -> None:
    assert unit.put(unit.deployment(replicas=2)).ok
    scale = unit.ask("GET", f"{unit.deployments}/web/scale")
    scale["spec"]["replicas"] = 5
    unit.ask("PUT", f"{unit.deployments}/web/scale?fieldManager=autoscaler", scale)
    if fresh:
        afresh(unit)
    soon(lambda: bool(fields(unit, unit.deployment(replicas=2))), "the change is seen")
    (field,) = fields(unit, unit.deployment(replicas=2))
    assert (field.path, field.desired, field.live, field.manager) == ("/spec/replicas", "2", "5", "autoscaler (scale)")
    assert (field.whose, field.why) == (Whose.THEIRS, "a scaler sets it through the scale subresource")


def test_a_field_that_a_rule_gives_away_says_so(unit: ClusterUnit) -> None:
    wanted = unit.config(a="1")
    assert unit.put(wanted).ok
    unit.patch(f"{unit.configs}/settings", {"data": {"a": "9"}})
    rules = (FieldRule(Owner.THEIRS, "ConfigMap", path="/data/a"),)
    soon(lambda: bool(fields(unit, wanted, rules=rules)), "the change is seen")
    (field,) = fields(unit, wanted, rules=rules)
    assert (field.whose, field.why) == (Whose.THEIRS, "apply.fields gives it away")
    assert not look(unit, wanted, rules=rules)[0].drifted


def test_a_removed_field_has_no_writer_and_a_deleted_object_is_gone(unit: ClusterUnit) -> None:
    wanted = unit.config(a="1", b="2")
    assert unit.put(wanted, unit.config("other", a="1")).ok
    unit.patch(f"{unit.configs}/settings", {"data": {"b": None}})
    unit.ask("DELETE", f"{unit.configs}/other")
    soon(lambda: len(look(unit, wanted, unit.config("other", a="1"))) == 2, "both are seen")
    gone, changed = look(unit, wanted, unit.config("other", a="1"))
    assert (gone.id, gone.gone) == (f"ConfigMap/{unit.space}/other", True)
    assert [(f.path, f.desired, f.live, f.manager) for f in changed.fields] == [("/data/b", "2", "", "")]


def test_what_git_has_changed_since_is_no_drift(unit: ClusterUnit) -> None:
    assert unit.put(unit.config(a="1")).ok
    assert look(unit, unit.config(a="2")) == []


def test_a_secret_shows_which_field_and_no_value(unit: ClusterUnit) -> None:
    wanted = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": unit.space},
        "data": {"password": "Zmlyc3Q="},
    }
    assert unit.put(wanted).ok
    unit.patch(f"/api/v1/namespaces/{unit.space}/secrets/db", {"data": {"password": "c2Vjb25k"}})
    soon(lambda: bool(fields(unit, wanted)), "the change is seen")
    (field,) = fields(unit, wanted)
    assert (field.path, field.desired, field.live) == ("/data/password", "(not shown)", "(not shown)")
