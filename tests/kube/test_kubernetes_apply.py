"""What is applied, what is left alone, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, cluster_unit, crd, thing

from reconciler.adapters.targets.kubernetes import kinds
from reconciler.model.reasons import Reason
from reconciler.model.revisions import FieldRule, Manner, Owner, Verb

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def test_what_did_not_change_costs_no_request(unit: ClusterUnit) -> None:
    manifests = [unit.deployment(), unit.config(a="1")]
    assert unit.put(*manifests).ok
    before = unit.target.requests
    plan = unit.plan(*manifests)
    assert plan.is_empty
    assert unit.target.apply(plan).ok
    assert unit.target.requests == before


def test_an_update_names_its_fields_as_the_server_writes_them(unit: ClusterUnit) -> None:
    unit.put(unit.deployment())
    (step,) = unit.plan(unit.deployment(image="shop:2")).steps
    assert step.fields == (("/spec/template/spec/containers[name=web]/image", "shop:1", "shop:2"),)


def test_a_broken_object_stops_no_other_and_is_told_with_the_servers_words(unit: ClusterUnit) -> None:
    broken = unit.deployment()
    broken["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    changes = unit.put(broken, unit.config(a="1"))
    failed = {r.id: r.detail for r in changes.results if not r.ok}
    assert list(failed) == [f"Deployment.apps/{unit.space}/web"]
    assert "selector" in next(iter(failed.values()))
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1"}


def test_what_failed_is_tried_again_and_is_no_drift(unit: ClusterUnit) -> None:
    unit.put(unit.config(a={"not": "text"}))
    assert f"ConfigMap/{unit.space}/settings" not in unit.target.observe("shop").inventory
    assert [s.verb for s in unit.plan(unit.config(a={"not": "text"})).steps] == [Verb.CREATE]


def test_objects_wait_for_the_namespace_that_failed_and_others_go_on(unit: ClusterUnit) -> None:
    missing = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": unit.space + "-x", "labels": {"bad label": "x"}}}
    inside = unit.config(a="1")
    inside["metadata"]["namespace"] = unit.space + "-x"
    changes = unit.put(missing, inside, unit.config(a="1"))
    reasons = {r.id.split("/")[0] + "/" + r.id.split("/")[1]: r.reason for r in changes.results}
    assert reasons[f"ConfigMap/{unit.space}-x"] == Reason.BLOCKED
    assert reasons[f"ConfigMap/{unit.space}"] == Reason.APPLIED


def test_a_custom_resource_comes_with_its_definition_in_one_round(unit: ClusterUnit) -> None:
    group = f"{unit.space}.example.com"
    changes = unit.put(crd(group), thing(group, unit.space))
    assert changes.ok, changes
    assert unit.plan(crd(group), thing(group, unit.space)).is_empty
    unit.generation += 1
    gone = unit.target.apply(unit.plan())
    assert gone.ok
    assert [s.split(".")[0] for s in (r.id for r in gone.results)] == ["Thing", "CustomResourceDefinition"]


def test_a_list_of_kinds_that_is_behind_its_definition_is_asked_again(unit: ClusterUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    group, behind, real = f"{unit.space}.example.com", [1, 2, 3], kinds._kinds

    def late(answer: object) -> list[kinds.Kind]:
        found = real(answer)
        if any(kind.group == group for kind in found) and behind:
            behind.pop()
            return [kind for kind in found if kind.group != group]
        return found

    monkeypatch.setattr(kinds, "_kinds", late)
    changes = unit.put(crd(group), thing(group, unit.space))
    assert changes.ok, changes
    assert behind == []


def test_a_list_that_stays_behind_holds_nothing_else_up(unit: ClusterUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    group, real = f"{unit.space}.example.com", kinds._kinds
    monkeypatch.setattr(kinds, "_kinds", lambda answer: [kind for kind in real(answer) if kind.group != group])
    monkeypatch.setattr(kinds, "LISTED_S", 0.1)
    changes = unit.put(crd(group), thing(group, unit.space), unit.config(a="1"))
    (failed,) = [r for r in changes.results if not r.ok]
    assert "the cluster serves no" in failed.detail


def test_an_object_that_somebody_else_made_is_not_taken_without_being_told(unit: ClusterUnit) -> None:
    unit.ask("POST", unit.configs, unit.config(a="theirs"))
    changes = unit.put(unit.config(a="ours"))
    assert not changes.ok
    assert "apply.adopt" in changes.results[0].detail
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "theirs"}
    assert unit.put(unit.config(a="ours"), manner=Manner(adopt=True)).ok
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "ours"}


def test_a_field_that_a_rule_gives_away_is_neither_sent_nor_compared(unit: ClusterUnit) -> None:
    theirs = Manner(fields=(FieldRule(Owner.THEIRS, kind="ConfigMap", path="/data/b"),))
    unit.put(unit.config(a="1", b="first"), manner=theirs)
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1"}
    unit.ask("PATCH", f"{unit.configs}/settings", {"data": {"b": "theirs"}}, "application/merge-patch+json")
    assert unit.put(unit.config(a="2", b="first"), manner=theirs).ok
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "2", "b": "theirs"}


def test_a_field_that_a_rule_protects_refuses_the_object_and_says_who_writes_it(unit: ClusterUnit) -> None:
    refuse = Manner(fields=(FieldRule(Owner.REFUSE, path="/data/b"),))
    unit.put(unit.config(a="1", b="1"), manner=refuse)
    unit.ask("PATCH", f"{unit.configs}/settings?fieldManager=somebody", {"data": {"b": "9"}}, "application/merge-patch+json")
    changes = unit.put(unit.config(a="2", b="2"), manner=refuse)
    assert not changes.ok
    assert "somebody" in changes.results[0].detail
    assert "/data/b" in changes.results[0].detail
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1", "b": "9"}


def test_what_is_protected_is_not_pruned_and_a_finalizer_is_told(unit: ClusterUnit) -> None:
    kept, waiting = unit.config("kept", a="1"), unit.config("waiting", a="1")
    kept["metadata"]["annotations"] = {"homeostat.dev/prune": "never"}
    waiting["metadata"]["finalizers"] = ["example.com/hold"]
    unit.put(kept, waiting)
    unit.generation += 1
    told = {r.id.rsplit("/")[-1]: r.detail for r in unit.target.apply(unit.plan()).results}
    assert "never" in told["kept"]
    assert "example.com/hold" in told["waiting"]
    assert unit.ask("GET", f"{unit.configs}/kept")["data"] == {"a": "1"}
    unit.ask("PATCH", f"{unit.configs}/waiting", {"metadata": {"finalizers": None}}, "application/merge-patch+json")


def test_a_dry_run_lets_the_server_judge_and_changes_nothing(unit: ClusterUnit) -> None:
    unit.generation += 1
    told = unit.target.dry_run(unit.plan(unit.config(a="1"), unit.config("bad", a={"no": "text"})))
    assert {r.id.rsplit("/")[-1]: r.ok for r in told.results} == {"settings": True, "bad": False}
    assert unit.ask("GET", unit.configs)["items"] == [] or all(
        i["metadata"]["name"] not in ("settings", "bad") for i in unit.ask("GET", unit.configs)["items"]
    )


def test_the_values_of_a_secret_are_in_no_plan(unit: ClusterUnit) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": unit.space},
        "stringData": {"p": "canary"},
    }
    unit.generation += 1
    first = unit.plan(secret)
    unit.target.apply(first)
    second = unit.plan({**secret, "stringData": {"p": "canary2"}})
    assert "canary" not in repr(first.steps) + repr(second.steps)
    assert second.steps


def test_the_servers_words_about_a_broken_secret_are_not_passed_on(unit: ClusterUnit) -> None:
    broken = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": unit.space}, "data": {"p": "canary!"}}
    unit.generation += 1
    changes = unit.target.apply(unit.plan(broken))
    assert not changes.ok
    assert "canary" not in repr(changes)
    assert changes.results[0].detail
