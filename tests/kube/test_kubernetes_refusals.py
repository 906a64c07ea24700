"""A field that cannot be changed, and one that somebody else writes: told with the next step, and nothing is deleted unasked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit

from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, StepResult
from reconciler.model.troubles import TroubleKind

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def other_selector(unit: ClusterUnit, **notes: str) -> Manifest:
    made = unit.deployment()
    made["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    made["spec"]["template"]["metadata"] = {"labels": {"app": "other"}}
    made["metadata"]["annotations"] = notes
    return made


def replace(unit: ClusterUnit, value: str) -> Manifest:
    return other_selector(unit, **{"homeostat.dev/replace": value})


def live(unit: ClusterUnit) -> Any:
    return unit.ask("GET", f"{unit.deployments}/web")


def failed(changes: ChangeSet) -> StepResult:
    (found,) = [r for r in changes.results if not r.ok]
    return found


def immutables(space: str) -> dict[str, tuple[Manifest, Manifest]]:
    """Objects before and after a change that the server allows nobody."""
    pod = {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}
    labels = {"matchLabels": {"app": "x"}}
    claims = [{"metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    stateful = {"selector": labels, "serviceName": "x", "template": {"metadata": {"labels": {"app": "x"}}, "spec": {
        "containers": pod["containers"]}}}  # fmt: skip
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}

    def made(kind: str, version: str, **body: Any) -> Manifest:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": space}, **body}

    return {
        "a Job's template": (
            made("Job", "batch/v1", spec={"template": {"spec": pod}}),
            made("Job", "batch/v1", spec={"template": {"spec": {**pod, "containers": [{"name": "c", "image": "j"}]}}}),
        ),
        "a Service's address": (
            made("Service", "v1", spec={"ports": [{"port": 80}], "selector": {"a": "b"}, "clusterIP": "None"}),
            made("Service", "v1", spec={"ports": [{"port": 80}], "selector": {"a": "b"}, "clusterIP": "10.0.0.77"}),
        ),
        "a StatefulSet's claims": (
            made("StatefulSet", "apps/v1", spec=stateful),
            made("StatefulSet", "apps/v1", spec={**stateful, "volumeClaimTemplates": claims}),
        ),
        "a claim's class": (
            made("PersistentVolumeClaim", "v1", spec={**claim, "storageClassName": "a"}),
            made("PersistentVolumeClaim", "v1", spec={**claim, "storageClassName": "b"}),
        ),
        "a binding's role": (
            made("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef=role),
            made("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={**role, "name": "b"}),
        ),
        "a frozen ConfigMap": (
            made("ConfigMap", "v1", immutable=True, data={"a": "1"}), made("ConfigMap", "v1", immutable=True, data={"a": "2"}),
        ),
        "a Secret's type": (
            made("Secret", "v1", type="Opaque", stringData={"a": "canary"}),
            made("Secret", "v1", type="example.com/x", stringData={"a": "canary"}),
        ),
    }  # fmt: skip


@pytest.mark.parametrize("what", sorted(immutables("x")))
def test_a_field_that_cannot_be_changed_is_told_with_both_ways_out_and_the_object_stays(unit: ClusterUnit, what: str) -> None:
    before, after = immutables(unit.space)[what]
    assert unit.put(before).ok
    uid = next(o.uid for o in unit.target._live.unit("shop").values())
    changes = unit.put(after, unit.config(a="1"))
    told = failed(changes).detail
    assert "cannot be changed on a live object" in told
    assert "Put the old value back in Git" in told
    assert f'homeostat.dev/replace: "{uid}"' in told
    assert "canary" not in told
    assert {o.uid for o in unit.target._live.unit("shop").values()} > {uid}
    trouble = next(t for t in unit.target.troubles({"shop"}) if t.kind is TroubleKind.UNCHANGEABLE)
    assert trouble.object == failed(changes).id
    assert f'{uid}" to have it deleted and made again' in trouble.detail[:200]


def test_the_trouble_keeps_its_beginning_and_ends_with_the_old_value(unit: ClusterUnit) -> None:
    unit.put(unit.deployment())
    unit.put(other_selector(unit))
    first = next(t for t in unit.target.troubles({"shop"}) if t.kind is TroubleKind.UNCHANGEABLE)
    unit.put(other_selector(unit))
    assert [t.since_ms for t in unit.target.troubles({"shop"}) if t.kind is TroubleKind.UNCHANGEABLE] == [first.since_ms]
    assert unit.put(unit.deployment()).ok
    assert all(t.kind is not TroubleKind.UNCHANGEABLE for t in unit.target.troubles({"shop"}))


def test_an_object_that_git_names_no_more_is_no_trouble(unit: ClusterUnit) -> None:
    unit.put(unit.deployment(), unit.config(a="1"))
    unit.put(other_selector(unit), unit.config(a="1"))
    unit.put(unit.config(a="1"))
    assert not unit.target.troubles({"shop"})


def test_git_permits_to_delete_exactly_the_object_of_that_uid_and_to_make_it_again(unit: ClusterUnit) -> None:
    unit.put(unit.deployment())
    uid = live(unit)["metadata"]["uid"]
    unit.generation += 1
    rehearsed = unit.target.dry_run(unit.plan(replace(unit, uid)))
    assert rehearsed.ok
    assert "deleted and made again" in rehearsed.results[0].detail
    assert live(unit)["metadata"]["uid"] == uid
    unit.put(other_selector(unit))
    assert unit.put(replace(unit, uid)).ok
    assert all(t.kind is not TroubleKind.UNCHANGEABLE for t in unit.target.troubles({"shop"}))
    made = live(unit)
    assert made["metadata"]["uid"] != uid
    assert made["spec"]["selector"]["matchLabels"] == {"app": "other"}
    assert unit.plan(replace(unit, uid)).is_empty


def test_the_permission_for_an_earlier_object_is_none_for_this_one(unit: ClusterUnit) -> None:
    unit.put(unit.deployment())
    kept = live(unit)["metadata"]["uid"]
    for value in ("", "allow", "00000000-0000-0000-0000-000000000000", f"{kept} perhaps"):
        assert failed(unit.put(replace(unit, value))).reason == Reason.INVALID
    assert live(unit)["metadata"]["uid"] == kept


def test_a_permission_deletes_nothing_while_the_change_is_one_that_can_be_made(unit: ClusterUnit) -> None:
    unit.put(unit.deployment())
    uid = live(unit)["metadata"]["uid"]
    changed = unit.deployment(image="shop:2")
    changed["metadata"]["annotations"] = {"homeostat.dev/replace": uid}
    assert unit.put(changed).ok
    broken = unit.deployment(image="")
    broken["metadata"]["annotations"] = {"homeostat.dev/replace": uid}
    assert not unit.put(broken).ok
    assert live(unit)["metadata"]["uid"] == uid


def test_a_claim_that_a_pod_uses_and_what_is_protected_stay_whatever_is_permitted(unit: ClusterUnit) -> None:
    before, after = immutables(unit.space)["a frozen ConfigMap"]
    unit.put(before)
    path = f"{unit.configs}/x"
    uid = unit.ask("GET", path)["metadata"]["uid"]
    volume = {"name": "v", "configMap": {"name": "x"}}
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/pods", {"metadata": {"name": "user"}, "spec": spec})
    after["metadata"]["annotations"] = {"homeostat.dev/replace": uid}
    waits = failed(unit.put(after))
    assert (waits.reason, "pod user uses it" in waits.detail) == (Reason.WAITING, True)
    assert unit.ask("GET", path)["metadata"]["uid"] == uid


def test_an_object_whose_deletion_waits_is_made_again_when_it_is_over(unit: ClusterUnit) -> None:
    first = unit.deployment()
    first["metadata"]["finalizers"] = ["example.com/hold"]
    unit.put(first)
    uid = live(unit)["metadata"]["uid"]
    waits = failed(unit.put(replace(unit, uid)))
    assert (waits.reason, "example.com/hold" in waits.detail) == (Reason.WAITING, True)
    unit.ask("PATCH", f"{unit.deployments}/web", {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    assert unit.put(replace(unit, uid)).ok
    assert live(unit)["metadata"]["uid"] != uid


def test_a_conflict_is_told_with_the_rule_that_would_end_it(unit: ClusterUnit) -> None:
    unit.ask("POST", f"{unit.configs}?fieldManager=reloader", unit.config(a="theirs"))
    told = failed(unit.put(unit.config(a="ours"))).detail
    rule = '{owner: theirs, kind: ConfigMap, name: settings, path: "/data/a", manager: "reloader"}'
    assert rule in told
    assert "apply.adopt" in told
    (trouble,) = unit.target.troubles({"shop"})
    assert (trouble.kind, trouble.contested) == (TroubleKind.CONTESTED, (("/data/a", "reloader"),))
