"""A later wave goes on when everything before it is healthy, and not before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit, soon

from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, HealthState

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(whole_cluster, namespace) as made:
        yield made


def waving(manifest: Manifest, at: int) -> Manifest:
    manifest["metadata"]["annotations"] = {"homeostat.dev/wave": str(at)}
    return manifest


def again(unit: ClusterUnit, *manifests: Manifest) -> ChangeSet:
    """The same generation once more, as a unit that waits is looked at again."""
    return unit.target.apply(unit.plan(*manifests))


def test_a_wave_waits_for_a_deployment_to_be_healthy_and_news_of_it_brings_the_unit_back(unit: ClusterUnit) -> None:
    first, second = unit.deployment(), waving(unit.config(a="1"), 1)
    first["spec"]["minReadySeconds"] = 3  # longer than the answer to an apply takes on a busy machine
    changes = unit.put(first, second)
    told = {r.id.split("/")[0]: (r.ok, r.reason) for r in changes.results}
    assert told == {"Deployment.apps": (True, Reason.APPLIED), "ConfigMap": (False, Reason.WAITING)}
    healthy = {h.id.split("/")[0]: h.state for h in unit.target.health("shop")}
    assert healthy["Deployment.apps"] is not HealthState.HEALTHY
    soon(lambda: "shop" in unit.target.changed(), "news of the unit")
    soon(lambda: again(unit, first, second).ok, "the second wave goes on")
    assert unit.ask("GET", f"{unit.configs}/settings")["data"] == {"a": "1"}


def test_a_wave_stays_behind_a_deployment_that_never_becomes_healthy(unit: ClusterUnit) -> None:
    first, second = unit.deployment(), waving(unit.config(a="1"), 1)
    first["spec"]["template"]["spec"]["nodeSelector"] = {"no": "such-node"}
    unit.put(first, second)
    changes = again(unit, first, second)
    (waiting,) = [r for r in changes.results if not r.ok]
    assert waiting.reason == Reason.WAITING
    assert "Deployment.apps" in waiting.detail


def test_a_whole_unit_becomes_healthy_on_a_real_control_plane(unit: ClusterUnit) -> None:
    unit.put(unit.deployment(replicas=3), unit.config(a="1"))
    soon(lambda: {h.state for h in unit.target.health("shop")} == {HealthState.HEALTHY}, "everything is healthy")
