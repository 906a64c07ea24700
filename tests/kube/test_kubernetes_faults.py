"""What happens to the control plane in the middle of converging: nothing is lost, repeated or deleted because of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import pytest
from cluster.controlplane import Cluster, running
from cluster.proxy import Network, proxied
from kubernetes_unit import ClusterUnit, Manifest, cluster_unit, soon

from reconciler.errors import Retryable
from reconciler.model.revisions import ChangeSet, Verb

pytestmark = pytest.mark.peer
MANY, REVISIONS = 60, 5


@pytest.fixture(scope="module")
def breakable() -> Iterator[Cluster]:
    with running() as cluster:
        yield cluster


@pytest.fixture
def space(breakable: Cluster) -> str:
    name = f"test-{uuid4().hex[:8]}"
    with breakable.client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()
    return name


@pytest.fixture
def network(breakable: Cluster) -> Iterator[Network]:
    with proxied(breakable.port) as made:
        yield made


@pytest.fixture
def unit(breakable: Cluster, space: str, network: Network) -> Iterator[ClusterUnit]:
    """Behind a network that can be made worse; what the test itself asks goes another way."""
    with cluster_unit(breakable, space, url=network.url) as made:
        yield made


def many(unit: ClusterUnit, revision: int) -> list[Manifest]:
    return [unit.config(f"c{n}", revision=str(revision)) for n in range(MANY)]


def held(unit: ClusterUnit) -> dict[str, str]:
    found = unit.ask("GET", unit.configs)["items"]
    return {i["metadata"]["name"]: i["data"]["revision"] for i in found if i["metadata"]["name"][0] == "c"}


def converge(unit: ClusterUnit, revision: int, *manifests: Manifest) -> ChangeSet:
    """As the loop does it: until it is done or somebody has done it; an older revision never lands on a newer one."""
    done: list[ChangeSet] = []

    def tried() -> bool:
        unit.generation = revision
        try:
            done[:] = [unit.target.apply(unit.plan(*manifests))]
        except Retryable:
            return False
        return done[0].ok or done[0].reason == "stale-plan"

    soon(tried, f"revision {revision}", 90)
    return done[0]


def test_two_workers_lose_and_repeat_nothing_while_the_api_server_is_restarted_under_them(breakable: Cluster, space: str) -> None:
    over = threading.Event()

    def restarts() -> int:
        count = 0
        while not over.wait(0.7):
            breakable.restart()
            count += 1
        return count

    def work(worker: ClusterUnit) -> None:
        for revision in range(1, REVISIONS + 1):
            converge(worker, revision, *many(worker, revision))
        worker.target.close()  # the other one may have it

    with cluster_unit(breakable, space) as first, cluster_unit(breakable, space) as second, ThreadPoolExecutor(3) as pool:
        chaos = pool.submit(restarts)
        try:
            for worker in [pool.submit(work, w) for w in (first, second)]:
                worker.result()
        finally:
            over.set()
        assert chaos.result()
        assert held(first) == {f"c{n}": str(REVISIONS) for n in range(MANY)}
    written = breakable.writes(f"/registry/configmaps/{space}/c")
    assert set(written.values()) == {REVISIONS}, written


def test_what_happened_behind_a_cut_network_and_a_compaction_is_found_by_a_new_list(unit: ClusterUnit, network: Network) -> None:
    assert unit.put(*many(unit, 1)).ok
    network.cut()
    unit.ask("PATCH", f"{unit.configs}/c1", {"data": {"revision": "x"}}, "application/merge-patch+json")
    unit.ask("DELETE", f"{unit.configs}/c2")
    cluster = unit.cluster
    assert isinstance(cluster, Cluster)
    cluster.compact()
    cluster.restart()  # or its watch cache would still know
    network.mend()
    wrong = {f"ConfigMap/{unit.space}/c1": Verb.UPDATE, f"ConfigMap/{unit.space}/c2": Verb.CREATE}
    soon(planned(unit, wrong), "the gap is seen", 60)
    assert converge(unit, 2, *many(unit, 1)).ok
    assert held(unit) == {f"c{n}": "1" for n in range(MANY)}


def test_a_watch_that_was_cut_goes_on_where_it_was(unit: ClusterUnit, network: Network) -> None:
    assert unit.put(*many(unit, 1)).ok
    network.cut()
    unit.ask("DELETE", f"{unit.configs}/c2")
    network.mend()
    soon(planned(unit, {f"ConfigMap/{unit.space}/c2": Verb.CREATE}), "the deletion is heard of", 60)


def planned(unit: ClusterUnit, steps: dict[str, Verb]) -> Callable[[], bool]:
    def found() -> bool:
        try:
            return {s.id: s.verb for s in unit.plan(*many(unit, 1)).steps} == steps
        except Retryable:
            return False  # the watch is behind: nobody knows

    return found


def test_over_a_slow_network_everything_is_applied_once(unit: ClusterUnit, network: Network, breakable: Cluster) -> None:
    unit.put(*many(unit, 1))
    network.delay = 0.1
    assert converge(unit, 2, *many(unit, 2)).ok
    assert set(breakable.writes(f"/registry/configmaps/{unit.space}/c").values()) == {2}


def undone(going: Future[ChangeSet]) -> bool:
    """What was asked failed; Retryable when not even that could be written down."""
    try:
        return not going.result(timeout=120).ok
    except Retryable:
        return True


def test_a_network_that_freezes_in_the_middle_fails_what_was_asked_and_the_rest_is_done_later(
    unit: ClusterUnit, network: Network
) -> None:
    assert unit.put(*many(unit, 1)).ok
    network.delay = 0.05
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(unit.put, *many(unit, 2))
        soon(lambda: "2" in held(unit).values(), "it has begun", 30)
        network.freeze()
        assert undone(going)
    network.delay = 0.0
    network.thaw()
    assert converge(unit, 3, *many(unit, 2)).ok
    assert held(unit) == {f"c{n}": "2" for n in range(MANY)}


def test_a_cluster_that_was_restored_from_a_backup_gets_again_what_it_forgot_and_loses_nothing(
    unit: ClusterUnit, breakable: Cluster
) -> None:
    theirs = unit.config("theirs", a="1")
    unit.ask("POST", unit.configs, theirs)
    assert unit.put(unit.config("kept", a="1"), unit.config("changed", a="1"), unit.config("left", a="1")).ok
    backup = breakable.back_up()
    wanted = [unit.config("kept", a="1"), unit.config("changed", a="2"), unit.config("added", a="1")]
    assert unit.put(*wanted).ok
    breakable.restore(backup)
    names = {"changed": Verb.UPDATE, "added": Verb.CREATE, "left": Verb.PRUNE}
    steps = {f"ConfigMap/{unit.space}/{name}": verb for name, verb in names.items()}

    def seen() -> bool:
        try:
            return {s.id: s.verb for s in unit.plan(*wanted).steps} == steps
        except Retryable:
            return False

    soon(seen, "what it forgot is seen", 90)
    assert converge(unit, unit.generation, *wanted).ok
    found = {i["metadata"]["name"]: i.get("data") for i in unit.ask("GET", unit.configs)["items"]}
    assert {n: d for n, d in found.items() if not n.startswith(("homeostat", "kube"))} == {
        "kept": {"a": "1"}, "changed": {"a": "2"}, "added": {"a": "1"}, "theirs": {"a": "1"},
    }  # fmt: skip
