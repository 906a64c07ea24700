"""Nodes and pods: a disruption budget is never broken, nothing is deleted, and who stays is said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from cluster.controlplane import Cluster
from kubernetes_acts import ActingUnit, acting
from kubernetes_unit import cluster_unit, soon

from reconciler.adapters.targets.kubernetes import operations
from reconciler.adapters.targets.kubernetes.acted import ActRecord, Entry
from reconciler.adapters.targets.kubernetes.api import Refused
from reconciler.adapters.targets.kubernetes.deeds import marked
from reconciler.adapters.targets.kubernetes.draining import Drains
from reconciler.errors import Permanent, Retryable
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted, Operator
from reconciler.testing.check_operator import LASTING_CHECKS, LastingRig

pytestmark = pytest.mark.peer


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> Iterator[ActingUnit]:
    with acting(whole_cluster, namespace) as made:
        yield made


class DrainRig:
    """Effects are drained nodes. A full node with a budget and no other node holds a drain up; another node lets it go on."""

    def __init__(self, unit: ActingUnit) -> None:
        self.operator: Operator = unit.target
        self._unit, self._nodes = unit, {"one": unit.add_node(), "two": ""}
        unit.run_all(unit.bound(), unit.budget(1))
        self._nodes["two"] = unit.add_node()
        unit.cordon(self._nodes["two"])
        soon(lambda: unit.do("drain", self._nodes["one"], "look", dry_run=True).ok, "the budget knows its pods")

    def act(self, name: str) -> Act:
        return Act(name, "shop", "cordon", self._nodes[name])

    def lasting(self, name: str) -> Act:
        return Act(name, "shop", "drain", self._nodes[name])

    def effects(self) -> int:
        """The cordon of a drain that is under way is no effect of its own: it is done when its mark is there."""
        return sum(bool(marked(self._unit.node(node))) for node in self._nodes.values())

    def hold(self) -> None:
        """The budget and the missing room do."""

    def let_go(self) -> None:
        self._unit.add_node()

    def soon(self, fact: Callable[[], bool], what: str) -> None:
        soon(fact, what)

    def reopen(self) -> Operator:
        self._unit.reopen()
        self.operator = self._unit.target
        return self.operator


@pytest.mark.parametrize("check", LASTING_CHECKS, ids=lambda check: check.__name__)
def test_a_cluster_keeps_the_promise_of_a_lasting_operator(unit: ActingUnit, check: Callable[[LastingRig], None]) -> None:
    check(DrainRig(unit))


def test_a_drained_node_is_empty_and_its_pods_run_elsewhere(unit: ActingUnit) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound(), unit.budget(1))
    other = unit.add_node()
    soon(lambda: unit.do("drain", node, "look", dry_run=True).ok, "the budget knows its pods")
    acted = unit.to_its_end("drain", node)
    assert (acted.ok, acted.reason) == (True, Reason.APPLIED)
    assert "2 pods have gone" in acted.detail
    assert unit.node(node)["spec"]["unschedulable"] is True
    soon(lambda: [p["spec"]["nodeName"] for p in unit.running()] == [other, other], "both run on the other node")
    unit.reopen()
    assert unit.do("drain", node).reason == Reason.DUPLICATE


def test_a_drain_that_would_break_a_budget_is_refused_and_nothing_is_done(unit: ActingUnit) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound(), unit.budget(2))
    before = sorted(p["metadata"]["uid"] for p in unit.running())
    for dry_run in (True, False):
        told = unit.do("drain", node, dry_run=dry_run)
        assert not told.ok
        assert "disruption budget" in told.detail
    assert "unschedulable" not in unit.node(node)["spec"]
    assert sorted(p["metadata"]["uid"] for p in unit.running()) == before


def half_way(unit: ActingUnit, node: str) -> str:
    """Begun; one of two pods has gone, the other one has nowhere to go. What is told then."""
    unit.run_all(unit.bound(), unit.budget(1))
    soon(lambda: unit.do("drain", node, "look", dry_run=True).ok, "the budget knows its pods")
    assert unit.do("drain", node).reason == Reason.WAITING
    told = [""]

    def stands() -> bool:
        told.append(unit.go_on("drain", node).detail)
        return "1 of 2 pods are left" in told[-1] and "disruption budget web needs 1" in told[-1]

    soon(stands, f"one is left, and says why; told is {told}")
    return told[-1]


def test_a_drain_that_a_budget_stops_half_way_waits_for_nobody_and_says_what_for(unit: ActingUnit) -> None:
    node = unit.add_node()
    half_way(unit, node)
    before = time.monotonic()
    again = unit.go_on("drain", node)
    assert (again.reason, time.monotonic() - before < 2) == (Reason.WAITING, True)
    assert 200 <= again.again_ms <= 5_000
    assert len(unit.running()) == 1
    unit.add_node()
    assert unit.to_its_end("drain", node).detail.startswith("cordoned; 2 pods have gone")


def test_a_drain_goes_on_in_another_process_and_its_time_with_it(whole_cluster: Cluster, namespace: str) -> None:
    with acting(whole_cluster, namespace) as unit:
        node = unit.add_node()
        half_way(unit, node)
        unit.drain_ms = 1_000
        unit.reopen()
        assert unit.do("drain", node).reason == Reason.WAITING  # not begun again
        soon(lambda: unit.go_on("drain", node).reason != Reason.WAITING, "its time is over, and began before")
        over = unit.go_on("drain", node)
        assert (over.ok, over.reason) == (False, Reason.INCOMPLETE)
        assert over.detail.startswith("1 of 2 pods are left after 1 s; it stays as it is. Last: cordoned; 1 of 2 pods are left")
        assert len(unit.running()) == 1
        assert unit.node(node)["spec"]["unschedulable"] is True


def test_whoever_uncordons_the_node_ends_the_drain(unit: ActingUnit) -> None:
    node = unit.add_node()
    half_way(unit, node)
    unit.cordon(node, off=True)
    over = unit.go_on("drain", node)
    assert (over.reason, "somebody has uncordoned" in over.detail) == (Reason.INCOMPLETE, True)
    assert "unschedulable" not in unit.node(node)["spec"]
    assert len(unit.running()) >= 1


def test_a_node_that_is_gone_ends_the_drain(unit: ActingUnit) -> None:
    node = unit.add_node()
    half_way(unit, node)
    unit.ask("DELETE", f"/api/v1/nodes/{node}")
    over = unit.go_on("drain", node)
    assert (over.reason, "not found" in over.detail) == (Reason.INCOMPLETE, True)


def test_a_drain_whose_end_was_never_written_is_known_by_its_mark(unit: ActingUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    node = unit.add_node()
    real = ActRecord.tell

    async def killed(self: ActRecord, act: Act, entry: Entry, detail: str, *, done: bool = False, of: int = 0) -> None:
        if done:
            raise Permanent("killed")
        await real(self, act, entry, detail, done=done, of=of)

    unit.run_all(unit.bound())
    with monkeypatch.context() as patched:
        patched.setattr(ActRecord, "tell", killed)
        with pytest.raises(Permanent, match="killed"):
            unit.to_its_end("drain", node)
    unit.reopen()
    told = unit.go_on("drain", node)
    assert (told.reason, "says so" in told.detail) == (Reason.APPLIED, True)


def test_a_turn_that_the_cluster_takes_its_time_over_is_waited_for_a_little_and_not_asked_twice(
    unit: ActingUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound())
    asked = list[str]()

    async def slow(self: Drains, act: Act, entry: Entry) -> Acted:
        asked.append(act.id)
        await asyncio.sleep(0.5)
        return Acted(True, Reason.WAITING, "slow", 200)

    assert unit.do("drain", node).ok
    monkeypatch.setattr(Drains, "go_on", slow)
    monkeypatch.setattr(operations, "PATIENCE_S", 0.05)
    with pytest.raises(Retryable, match="has not answered within"):
        unit.go_on("drain", node)
    monkeypatch.setattr(operations, "PATIENCE_S", 5.0)
    assert (unit.go_on("drain", node).detail, asked) == ("slow", ["one"])


def test_only_exactly_what_was_begun_is_gone_on_with(unit: ActingUnit) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound(volumes=[{"name": "scratch", "emptyDir": {}}]))
    assert unit.do("drain", unit.add_node()).reason == Reason.WAITING
    for act in (Act("one", "shop", "drain-with-local-data", node), Act("one", "shop", "drain", node)):
        with pytest.raises(Permanent, match="knows of no"):
            unit.target.go_on(act)
    assert len(unit.running()) == 2


def test_a_drain_that_cannot_even_cordon_did_nothing_and_frees_its_id(unit: ActingUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    node = unit.add_node()

    async def forbidden(*_: object) -> None:
        raise Refused(403, "Forbidden", "nodes is forbidden", ())

    assert unit.do("drain", node).ok
    with monkeypatch.context() as patched:
        patched.setattr(Drains, "_write", forbidden)
        told = unit.go_on("drain", node)
    assert (told.ok, told.reason) == (False, Reason.INVALID)
    assert "unschedulable" not in unit.node(node)["spec"]
    with pytest.raises(Permanent, match="knows of no drain"):
        unit.go_on("drain", node)
    assert unit.to_its_end("drain", node).reason == Reason.APPLIED


def test_a_drain_leaves_pods_of_daemon_sets_and_the_nodes_own(unit: ActingUnit) -> None:
    node = unit.add_node()
    daemon = unit.bound()
    del daemon["spec"]["replicas"]
    unit.run_all({**daemon, "kind": "DaemonSet"}, pods=1)
    own = {"kubernetes.io/config.mirror": "x", "kubernetes.io/config.source": "file"}
    metadata = {"name": "own", "namespace": unit.space, "annotations": own}
    reference = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": unit.node(node)["metadata"]["uid"], "controller": True}
    spec = {"nodeName": node, "containers": [{"name": "a", "image": "a:1"}]}
    pod = {"metadata": {**metadata, "ownerReferences": [reference]}, "spec": spec}
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/pods", pod)
    assert "0 pods have gone, 2 of DaemonSets or the node itself stay" in unit.to_its_end("drain", node).detail
    assert len(unit.running()) == 1


def test_data_on_the_node_is_only_lost_when_the_act_says_so(unit: ActingUnit) -> None:
    node = unit.add_node()
    unit.run_all(unit.bound(volumes=[{"name": "scratch", "emptyDir": {}}]))
    assert "drain-with-local-data" in unit.do("drain", node).detail
    assert len(unit.running()) == 2
    assert unit.to_its_end("drain-with-local-data", node, "two").ok


def test_a_pod_that_nobody_makes_again_is_in_the_way(unit: ActingUnit) -> None:
    node = unit.add_node()
    pod = {"metadata": {"name": "lone"}, "spec": {"nodeName": node, "containers": [{"name": "a", "image": "a:1"}]}}
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/pods", pod)
    assert "lone: belongs to no controller" in unit.do("drain", node, dry_run=True).detail


def test_a_node_is_cordoned_and_uncordoned_once_each(unit: ActingUnit) -> None:
    node = unit.add_node()
    assert unit.do("cordon", node).ok
    assert unit.node(node)["spec"]["unschedulable"] is True
    assert "cordoned already" in unit.do("cordon", node, "two").detail
    assert unit.do("uncordon", node, "three").ok
    assert "unschedulable" not in unit.node(node)["spec"]
    assert unit.do("cordon", node).reason == Reason.DUPLICATE  # its mark has been written over, the record knows


def test_a_unit_that_the_settings_do_not_name_touches_no_node(whole_cluster: Cluster, namespace: str) -> None:
    with cluster_unit(whole_cluster, namespace) as unit:
        for action in ("cordon", "uncordon", "drain", "drain-with-local-data"):
            told = unit.target.operate(Act(action, "shop", action, "node-0"), dry_run=False)
            assert not told.ok
            assert "nodeUnits" in told.detail


def test_a_pod_is_evicted_only_by_the_unit_that_made_it_and_within_its_budget(unit: ActingUnit) -> None:
    unit.run_all(unit.deployment(), unit.budget(2))
    pod = unit.running()[0]["metadata"]["name"]
    assert "no live pod" in unit.target.operate(Act("other", "edge", "evict", pod), dry_run=False).detail
    stray = {"metadata": {"name": "stray"}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/pods", stray)
    assert "no live pod" in unit.do("evict", "stray").detail
    soon(lambda: "disruption budget" in unit.do("evict", pod).detail, "the budget counts its pods")
    unit.put(unit.deployment(), unit.budget(1))
    soon(lambda: unit.do("evict", pod, dry_run=True).ok, "the budget allows one")
    assert unit.do("evict", pod).ok
    soon(lambda: pod not in {p["metadata"]["name"] for p in unit.pods()}, "it has gone")
    assert unit.do("evict", pod).reason == Reason.DUPLICATE
