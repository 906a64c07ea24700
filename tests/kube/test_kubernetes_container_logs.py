"""Logs of containers that are not well: asked of a real API server, which asks the kubelet of the pod's node for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.controlplane import Cluster
from kubelets import STATUS, Kubelet, listening, node_of
from kubernetes_unit import ClusterUnit, cluster_unit

from reconciler.adapters.targets.kubernetes.logs import LINES, MAX_BYTES
from reconciler.model.trees import LogTail

pytestmark = pytest.mark.peer
ENDED = {"exitCode": 1, "reason": "Error", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:09Z"}
CRASHED = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ENDED}}


@pytest.fixture
def kubelet(api_server: Cluster) -> Iterator[Kubelet]:
    with listening(api_server) as made:
        yield made


@pytest.fixture
def unit(api_server: Cluster, namespace: str, kubelet: Kubelet) -> Iterator[ClusterUnit]:
    """A pod on the node of that kubelet."""
    with cluster_unit(api_server, namespace) as made:
        node_of(api_server, made, kubelet, known_as="127.0.0.1")
        containers = [{"name": name, "image": "shop:1"} for name in ("web", "side")]
        spec = {"nodeName": namespace, "containers": containers, "initContainers": [{"name": "first", "image": "shop:1"}]}
        assert made.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": namespace}, "spec": spec}).ok
        yield made


def fails(unit: ClusterUnit, inits: Any = (), **containers: Any) -> list[LogTail]:
    """What is shown of them once the node has said this of the pod's containers."""

    def told(name: str, status: Any) -> Any:
        return {"name": name, "image": "shop:1", "imageID": "", "ready": False, "restartCount": 3, **status}

    ready = {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}
    status = {
        "phase": "Running",
        "conditions": [ready],
        "containerStatuses": [told(name, one) for name, one in containers.items()],
        "initContainerStatuses": [told(name, one) for name, one in dict(inits).items()],
    }
    unit.ask("PATCH", f"/api/v1/namespaces/{unit.space}/pods/web/status", {"status": status}, STATUS)
    tree = unit.target.tree("shop", lambda text: text.replace("hunter22", "(hidden)"), whole=True)
    return [log for top in tree.branches for branch in top.walk() for log in branch.logs]


def test_the_last_lines_of_the_container_before_are_shown(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.written["web", True] = b"".join(b"line %d\n" % number for number in range(100)) + b"fatal: hunter22 \x1b[2Jrefused\n"
    kubelet.written["web", False] = b"starting\n"
    (log,) = fails(unit, web=CRASHED)
    assert (log.container, log.previous, log.note, len(log.lines)) == ("web", True, "", LINES)
    assert (log.lines[0], log.lines[-1]) == ("line 81", "fatal: (hidden)  [2Jrefused")


def test_a_container_that_runs_and_is_not_ready_shows_what_it_says_now(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.written["side", False] = b"waiting for the database\n"
    (log,) = fails(unit, side={"state": {"running": {"startedAt": ENDED["startedAt"]}}})
    assert (log.container, log.previous, log.lines) == ("side", False, ("waiting for the database",))


def test_each_container_that_failed_is_asked_for_an_init_container_too(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.written |= {("first", False): b"no such table\n", ("web", True): b"out of memory\n"}
    logs = fails(unit, {"first": {"state": {"terminated": ENDED}}}, web=CRASHED, side={"state": {"waiting": {"reason": "x"}}})
    assert [(log.container, log.lines) for log in logs] == [("first", ("no such table",)), ("web", ("out of memory",))]


def test_a_log_that_the_node_has_no_more_says_so_in_its_place(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.written["side", False] = b"fine\n"
    first, second = fails(unit, web=CRASHED, side={"state": {"running": {"startedAt": ENDED["startedAt"]}}})
    assert (first.lines, second.lines) == ((), ("fine",))
    assert 'previous terminated container "web" not found' in first.note


def test_a_line_without_end_is_cut_and_half_a_line_is_not_shown(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.written["web", True] = b"begin\n" + b"x" * 10 * MAX_BYTES
    (log,) = fails(unit, web=CRASHED)
    assert log.lines == ("begin",)


def test_what_is_no_text_does_no_harm(unit: ClusterUnit, kubelet: Kubelet) -> None:
    kubelet.written["web", True] = bytes(range(256)) + b"\nlast\n"
    (log,) = fails(unit, web=CRASHED)
    assert log.lines[-1] == "last"
    assert all(line.isprintable() for line in log.lines)
