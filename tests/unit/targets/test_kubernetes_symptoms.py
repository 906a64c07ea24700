"""What a pod, its events and its node say is read into one word for each container."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statuses import (
    NOW,
    Json,
    at,
    conditions,
    crashing,
    ended,
    happened,
    pod,
    put_out,
    running,
    unplaced,
    waiting,
)

from reconciler.adapters.targets.kubernetes.symptoms import (
    Symptom,
    event,
    first_words,
    making,
    of_node,
    of_pod,
    unready,
)
from reconciler.model.troubles import TroubleKind

K = TroubleKind
NO_NODES = "0/3 nodes are available: {}. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
TAINTED = "0/3 nodes are available: 3 node(s) had untolerated taint {a: b}. preemption: 0/3 nodes: 1 Insufficient memory."
LIVENESS = "Liveness probe failed: HTTP probe failed with statuscode: 500"
READINESS = "Readiness probe failed: dial tcp 10.0.0.1:80: connect: connection refused"
EXEC = 'exec: "serve": executable file not found in $PATH: unknown'
NO_SECRET = 'MountVolume.SetUp failed for volume "tls" : secret "shop-tls" not found'
TIMED_OUT = "Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition"
PREPARING = pod(waiting("PodInitializing"), initContainerStatuses=[{**running(), "name": "prepare", "ready": None}])

PODS: list[tuple[str, Json, list[Json], TroubleKind | None]] = [
    ("pull back-off", pod(waiting("ImagePullBackOff", 'Back-off pulling image "shop:9"')), [], K.IMAGE_PULL),
    ("pull error", pod(waiting("ErrImagePull", "manifest unknown"), phase="Pending"), [], K.IMAGE_PULL),
    ("bad image name", pod(waiting("InvalidImageName")), [], K.IMAGE_PULL),
    ("config missing", pod(waiting("CreateContainerConfigError", 'configmap "a" not found')), [], K.BAD_CONFIG),
    ("create error", pod(waiting("CreateContainerError", "no command specified")), [], K.BAD_COMMAND),
    ("run error", pod(waiting("RunContainerError", EXEC)), [], K.BAD_COMMAND),
    ("cannot start, backed off", pod(crashing(ended(128, "StartError", message=EXEC))), [], K.BAD_COMMAND),
    ("out of memory, backed off", pod(crashing(ended(137, "OOMKilled"))), [], K.OUT_OF_MEMORY),
    ("out of memory, started again", pod(running(lastState=ended(137, "OOMKilled"), restartCount=1)), [], K.OUT_OF_MEMORY),
    ("out of memory long ago", pod(running(ready=True, lastState=ended(137, "OOMKilled", 600), restartCount=9)), [], None),
    ("a killed container was not out of memory", pod(crashing(ended(137))), [], K.CRASH_LOOP),
    ("crash loop", pod(crashing(ended(1))), [], K.CRASH_LOOP),
    ("crash loop while it runs", pod(running(minutes=0.1, lastState=ended(1), restartCount=4)), [], K.CRASH_LOOP),
    ("restarted once", pod(running(minutes=0.1, lastState=ended(1), restartCount=1)), [], None),
    ("killed by its probe", pod(crashing(ended(137))), [happened("Unhealthy", LIVENESS, container="web")], K.LIVENESS),
    ("another's probe", pod(crashing(ended(1))), [happened("Unhealthy", LIVENESS, container="proxy")], K.CRASH_LOOP),
    ("not ready", pod(running()), [happened("Unhealthy", READINESS, container="web")], K.NOT_READY),
    ("about to become ready", pod(running(minutes=0.5)), [happened("Unhealthy", READINESS, container="web")], None),
    ("no CPU", unplaced(NO_NODES.format("1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu")), [], K.NO_ROOM),
    ("full of pods", unplaced(NO_NODES.format("3 Too many pods")), [], K.NO_ROOM),
    ("no such node", unplaced(NO_NODES.format("3 node(s) didn't match Pod's node affinity/selector")), [], K.NO_PLACE),
    ("tainted", unplaced(NO_NODES.format("3 node(s) had untolerated taint {a: b}")), [], K.NO_PLACE),
    ("room made by preemption is not enough", unplaced(TAINTED), [], K.NO_PLACE),
    ("claim unbound", unplaced(NO_NODES.format("pod has unbound immediate PersistentVolumeClaims")), [], K.NO_VOLUME),
    ("volume elsewhere", unplaced(NO_NODES.format("3 node(s) had volume node affinity conflict")), [], K.NO_VOLUME),
    ("does not mount", pod(waiting("ContainerCreating"), phase="Pending"), [happened("FailedMount", TIMED_OUT)], K.NO_VOLUME),
    ("secret missing", pod(waiting("ContainerCreating"), phase="Pending"), [happened("FailedMount", NO_SECRET)], K.BAD_CONFIG),
    ("mounted since", pod(running(ready=True), ready="True"), [happened("FailedMount", NO_SECRET)], None),
    ("mounted, and preparing", PREPARING, [happened("FailedMount", NO_SECRET)], None),
    ("mounted long ago", pod(waiting("ContainerCreating")), [happened("FailedMount", NO_SECRET, minutes=30)], None),
    ("evicted", put_out("Evicted", "The node was low on resource: memory."), [], K.EVICTED),
    ("evicted yesterday", put_out("Evicted", "The node was low on resource: memory.", 1_440), [], None),
    ("refused by its node", put_out("OutOfcpu", "Node didn't have enough resource: cpu"), [], K.NO_ROOM),
    ("job's own failure", pod({"name": "web", "state": ended(1)}, phase="Failed"), [], None),
    ("job out of memory", pod({"name": "web", "state": ended(137, "OOMKilled")}, phase="Failed"), [], K.OUT_OF_MEMORY),
    ("done", pod({"name": "web", "state": ended(0, "Completed")}, phase="Succeeded"), [], None),
    ("starting", pod(waiting("ContainerCreating"), phase="Pending"), [], None),
    ("well", pod(running(ready=True), ready="True"), [], None),
]


def read(found: Json, *events: Json, late: bool = False) -> list[Symptom]:
    return first_words(of_pod(found, [event(e) for e in events], NOW, late=late))


@pytest.mark.parametrize(("found", "events", "kind"), [row[1:] for row in PODS], ids=[row[0] for row in PODS])
def test_a_pod_says_one_word(found: Json, events: list[Json], kind: TroubleKind | None) -> None:
    assert [s.kind for s in read(found, *events)] == ([kind] if kind else [])


def test_a_word_says_where_it_shows_and_since_when() -> None:
    (word,) = read(pod(crashing(ended(1))))
    assert (word.leaf, word.container) == ("Pod/shop/web-5d9c-x", "web")
    assert word.since_ms == NOW - 20 * 60_000  # not the last of many restarts
    assert word.detail == "7 restarts, the last end: exit 1 (Error)"


def test_what_a_container_printed_is_not_told() -> None:
    (word,) = read(pod(crashing(ended(1, message="password is hunter2"))))
    assert "hunter2" not in word.detail


def test_each_container_has_its_own_word() -> None:
    init = {**waiting("ImagePullBackOff"), "name": "prepare"}
    found = pod({**running(minutes=9), "name": "proxy"}, crashing(ended(1)), initContainerStatuses=[init])
    assert {(s.container, s.kind) for s in read(found)} == {
        ("prepare", K.IMAGE_PULL),
        ("web", K.CRASH_LOOP),
        ("proxy", K.NOT_READY),
    }


def test_of_several_words_for_one_container_the_most_telling_counts() -> None:
    words = [Symptom(K.NOT_READY, 5, "", "Pod/a/1", "web"), Symptom(K.IMAGE_PULL, 9, "", "Pod/a/2", "web")]
    assert [s.kind for s in first_words(words)] == [K.IMAGE_PULL]


def test_of_one_word_on_several_pods_the_first_to_begin_is_shown() -> None:
    words = [Symptom(K.CRASH_LOOP, since, "", leaf, "web") for since, leaf in ((0, "a"), (7, "b"), (3, "c"))]
    assert [s.leaf for s in first_words(words)] == ["c"]


def test_readiness_gates_that_are_not_met_are_not_ready() -> None:
    found = pod(running(ready=True))
    found["status"]["conditions"][1].update(reason="ReadinessGatesNotReady", message='the status of pod readiness gate "lb"')
    assert [(s.kind, s.container) for s in read(found)] == [(K.NOT_READY, "")]


def test_what_has_been_waited_for_long_enough_is_not_ready_at_once() -> None:
    assert [s.kind for s in read(pod(running(minutes=0.5)), late=True)] == [K.NOT_READY]


def test_a_pod_that_is_leaving_says_nothing() -> None:
    found = pod(crashing(ended(1)))
    found["metadata"]["deletionTimestamp"] = at(1)
    assert read(found) == []


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('pods "web-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2', K.QUOTA),
        ('pods "web-1" is forbidden: failed quota: small: must specify limits.cpu for: web', K.QUOTA),
        ('pods "web-1" is forbidden: maximum cpu usage per Container is 1, but limit is 2', K.QUOTA),
        ('pods "web-1" is forbidden: violates PodSecurity "restricted:latest": privileged', K.REFUSED),
        ('admission webhook "v.example.com" denied the request: no owner label', K.REFUSED),
        ('pods "web-" is forbidden: error looking up service account shop/web: serviceaccount "web" not found', K.REFUSED),
    ],
)
def test_why_pods_may_not_be_made(message: str, kind: TroubleKind) -> None:
    assert making(message) is kind


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (("MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"), "Memory"),
        (("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure"), "disk pressure"),
        (("PIDPressure", "True", "KubeletHasInsufficientPID", ""), "PIDPressure is True"),
        (("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."), "stopped posting"),
    ],
)
def test_a_node_that_is_short_of_something_or_gone(found: tuple[str, str, str, str], told: str) -> None:
    word = of_node(conditions(found))
    assert word is not None
    assert (word.kind, word.leaf, word.since_ms) == (K.NODE_PRESSURE, "Node/web", NOW - 10 * 60_000)
    assert told in word.detail


def test_a_node_that_is_well_is_none() -> None:
    assert of_node(conditions(("Ready", "True", "KubeletReady", ""), ("DiskPressure", "False", "", ""))) is None


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["OOMKilled", "True", at(1)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["state", "waiting", "reason", "type"]), inner),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, of: st.SearchStrategy[Json]) -> Json:
    """A status with one or more of its parts put out or changed for something of another shape."""
    found = copy.deepcopy(draw(of))
    for _ in range(draw(st.integers(1, 4))):
        at_: object = found
        while True:
            keys = list(at_) if isinstance(at_, dict) else list(range(len(at_))) if isinstance(at_, list) else []
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if draw(st.booleans()) or not isinstance(at_[key], dict | list):  # type: ignore[index]
                at_[key] = draw(ODD)  # type: ignore[index]
                break
            at_ = at_[key]  # type: ignore[index]
    return found


@given(mutated(st.sampled_from([row[1] for row in PODS])), mutated(st.sampled_from([e for row in PODS for e in row[2]])))
def test_no_status_however_odd_raises(found: Json, told: Json) -> None:
    one = event(told)
    for word in of_pod(found, [one], NOW, late=False):
        assert isinstance(word.kind, TroubleKind)
        assert isinstance(word.detail, str)
    of_node(found)
    unready(found)
