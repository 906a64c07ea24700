"""What changed behind Git's back is seen from events, and what only looks so is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.controlplane import Cluster, running
from kubernetes_unit import ClusterUnit, cluster_unit, crd, soon, thing

from reconciler.errors import Retryable
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Verb

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def test_a_changed_field_is_seen_within_a_second_named_and_put_back(unit: ClusterUnit) -> None:
    unit.put(unit.config(a="1", b="1"))
    unit.patch(f"{unit.configs}/settings", {"data": {"a": "9"}})
    assert soon(lambda: bool(unit.target.changed()), "the change is seen") < 1
    plan = unit.plan(unit.config(a="1", b="1"))
    assert [s.fields for s in plan.steps] == [(("/data/a", "9", "1"),)]
    assert unit.target.apply(plan).ok
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1", "b": "1"}


def test_a_secret_that_is_written_as_text_is_put_back_and_loses_what_leaves_git(unit: ClusterUnit) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": unit.space}}
    written = {**secret, "data": {"a": "MA==", "c": "Mw=="}, "stringData": {"a": "1", "b": "2"}}
    path = f"/api/v1/namespaces/{unit.space}/secrets/s"
    assert unit.put(written).ok
    assert unit.plan(written).is_empty
    unit.patch(path, {"data": {"a": "OQ=="}})
    soon(lambda: bool(unit.target.changed()), "the change is seen")
    assert unit.put(written).ok
    assert unit.ask("GET", path)["data"] == {"a": "MQ==", "b": "Mg==", "c": "Mw=="}
    assert unit.put({**secret, "stringData": {"a": "1"}}).ok
    assert unit.ask("GET", path)["data"] == {"a": "MQ=="}


def test_a_deleted_object_is_made_again(unit: ClusterUnit) -> None:
    unit.put(unit.config(a="1"))
    unit.ask("DELETE", f"{unit.configs}/settings")
    soon(lambda: not unit.target.observe("shop").objects, "the deletion is seen")
    assert unit.target.observe("shop").inventory  # what was applied is not forgotten
    plan = unit.plan(unit.config(a="1"))
    assert [s.verb for s in plan.steps] == [Verb.CREATE]
    assert unit.target.apply(plan).ok


def test_what_others_add_and_write_into_the_status_is_no_drift(unit: ClusterUnit) -> None:
    unit.put(unit.deployment())
    path = f"{unit.deployments}/web"
    unit.patch(path, {"metadata": {"annotations": {"team": "shop"}}})
    unit.ask("PATCH", path + "/status", {"status": {"observedGeneration": 1, "replicas": 1}}, "application/merge-patch+json")
    version = unit.ask("GET", path)["metadata"]["resourceVersion"]
    soon(lambda: _version(unit, "Deployment.apps") == version, "the news is in")
    assert unit.plan(unit.deployment()).is_empty


def test_a_scaler_keeps_the_replicas_that_it_set_without_a_rule(unit: ClusterUnit) -> None:
    unit.put(unit.deployment(replicas=2))
    path = f"{unit.deployments}/web"
    scale = unit.ask("GET", path + "/scale")
    scale["spec"]["replicas"] = 5
    version = unit.ask("PUT", path + "/scale", scale)["metadata"]["resourceVersion"]
    soon(lambda: _version(unit, "Deployment.apps") == version, "the news is in")
    assert unit.plan(unit.deployment(replicas=2)).is_empty
    assert unit.put(unit.deployment(replicas=2, image="shop:2")).ok
    assert unit.ask("GET", path)["spec"]["replicas"] == 5
    unit.target.close()
    unit.open()
    assert unit.plan(unit.deployment(replicas=2, image="shop:2")).is_empty


def test_a_new_process_compares_once_and_changes_nothing(unit: ClusterUnit) -> None:
    manifests = [unit.deployment(), unit.config(a="1")]
    unit.put(*manifests)
    unit.target.close()
    unit.open()
    assert unit.plan(*manifests).is_empty
    assert unit.target.observe("shop").generation == unit.generation


def test_drift_from_while_nobody_looked_is_found_at_the_start(unit: ClusterUnit) -> None:
    unit.put(unit.config(a="1"), unit.config("other", a="1"))
    unit.target.close()
    unit.ask("PATCH", f"{unit.configs}/settings", {"data": {"a": "9"}}, "application/merge-patch+json")
    unit.ask("DELETE", f"{unit.configs}/other")
    unit.open()
    steps = {s.id.rsplit("/")[-1]: s.verb for s in unit.plan(unit.config(a="1"), unit.config("other", a="1")).steps}
    assert steps == {"settings": Verb.UPDATE, "other": Verb.CREATE}


def test_of_two_processes_the_one_with_the_older_generation_does_nothing(unit: ClusterUnit) -> None:
    late = ClusterUnit(unit.cluster, unit.space)
    try:
        late.generation = 1
        old = late.plan(late.config(a="old"))
        unit.generation = 1
        assert unit.put(unit.config(a="new")).ok
        unit.target.close()  # it gives the lease back
        assert late.target.apply(old).reason == Reason.STALE_PLAN  # by the record in the cluster
        assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "new"}
    finally:
        late.target.close()


def test_a_definition_that_vanishes_takes_its_objects_along_and_blocks_nothing(unit: ClusterUnit) -> None:
    group = f"{unit.space}.example.com"
    unit.put(crd(group), thing(group, unit.space), unit.config(a="1"))
    unit.ask("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{group}")
    soon(lambda: len(unit.target.observe("shop").objects) == 1, "only the ConfigMap is left")
    assert unit.put(crd(group), thing(group, unit.space), unit.config(a="2")).ok


def test_a_server_that_stops_restarts_and_forgets_its_history_loses_and_repeats_nothing() -> None:
    with running() as cluster:
        with cluster.client() as client:
            client.post("/api/v1/namespaces", json={"metadata": {"name": "own"}}).raise_for_status()
        with cluster_unit(cluster, "own") as unit:
            unit.put(unit.config(a="1"))
            cluster.pause()
            with pytest.raises(Retryable):
                unit.put(unit.config(a="2"))
            cluster.resume()
            cluster.restart()
            unit.ask("PATCH", f"{unit.configs}/settings", {"data": {"a": "9"}}, "application/merge-patch+json")
            cluster.compact()
            soon(lambda: not unit.plan(unit.config(a="1")).is_empty, "the change is seen after all")
            assert unit.put(unit.config(a="3")).ok
            assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "3"}


def _version(unit: ClusterUnit, kind: str) -> str:
    return next((o.version for i, o in unit.target._live.unit("shop").items() if i.startswith(kind + "/")), "")
