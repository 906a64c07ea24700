"""A look at what is not healthy: what is asked, how often, and which words remain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from statuses import NOW, Json, at, conditions, crashing, ended, happened, pod, running, waiting

from reconciler.adapters.targets.kubernetes.api import Refused
from reconciler.adapters.targets.kubernetes.fields import owned
from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.live import Live
from reconciler.adapters.targets.kubernetes.standing import told, worth_a_look_ms
from reconciler.adapters.targets.kubernetes.symptoms import Symptom
from reconciler.adapters.targets.kubernetes.troubles import Troubles
from reconciler.errors import Retryable
from reconciler.model.revisions import HealthState
from reconciler.model.troubles import Trouble
from reconciler.model.troubles import TroubleKind as K

KINDS = {
    kind.name: kind
    for kind in (
        Kind("apps", "v1", "Deployment", "deployments", True),
        Kind("apps", "v1", "StatefulSet", "statefulsets", True),
        Kind("batch", "v1", "CronJob", "cronjobs", True),
        Kind("batch", "v1", "Job", "jobs", True),
        Kind("", "v1", "Pod", "pods", True),
    )
}
SPACE = "/api/v1/namespaces/shop"
PODS, EVENTS = f"{SPACE}/pods", f"{SPACE}/events"


class Server:
    """Answers by path; what is not there is not found. An answer may be an exception, or made from the parameters."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = {PODS: [], EVENTS: [], **answers}
        self.asked: list[str] = []

    async def get(self, path: str, *, rank: Any, **params: str) -> Any:
        self.asked.append(path)
        await asyncio.sleep(0)
        answer = self.answers.get(path, Refused(404, "NotFound", "not found"))
        if isinstance(answer, Callable):
            answer = answer(params)
        if isinstance(answer, Exception):
            raise answer
        return {"items": answer, "metadata": {}} if isinstance(answer, list) else answer

    async def find_named(self, name: str) -> Kind | None:
        return KINDS.get(name)

    def holds(self, obj: Json) -> Live:
        """As a watch would have told it."""
        kind = next(k for k in KINDS.values() if k.kind == obj["kind"])
        self.answers[kind.path("shop", obj["metadata"]["name"])] = obj
        name = f"{kind.name}/shop/{obj['metadata']['name']}"
        state = obj.pop("health", HealthState.PROGRESSING)
        own = told(kind.name, obj)
        return Live(
            name, "u", "", "", "1", owned(obj), state, "not all are ready", told=own, look_ms=worth_a_look_ms(kind.name, obj)
        )

    def look(self, *objects: Live) -> list[Trouble]:
        return asyncio.run(Troubles(self, self, "us").of(objects, NOW))  # type: ignore[arg-type]


def deployment(name: str = "web", **more: Any) -> Json:
    made = conditions(*more.pop("conditions", ()), kind="Deployment", **more)
    made["metadata"].update(name=name, uid=f"uid-{name}")
    made["spec"] = {"replicas": 1, "selector": {"matchLabels": {"app": name}}}
    return made


def of(found: Json, *, by: str = "web-1", kind: str = "ReplicaSet", name: str = "", minutes: float = 30) -> Json:
    owner = {"kind": kind, "name": by, "uid": f"uid-{by}", "controller": True}
    found["metadata"].update(ownerReferences=[owner], creationTimestamp=at(minutes))
    found["metadata"].update(name=name or f"{by}-x", labels={"pod-template-hash": by.rpartition("-")[2]})
    return found


def kinds(found: list[Trouble]) -> list[K]:
    return [t.kind for t in found]


def test_nothing_is_asked_of_what_is_healthy_suspended_deleted_or_of_no_workload() -> None:
    server = Server()
    thing = Live("Thing.example.com/shop/a", "u", "", "", "1", owned({}), HealthState.PROGRESSING, "")
    leaving = Live("Deployment.apps/shop/a", "u", "", "", "1", owned({}), HealthState.DEGRADED, "", deleting="-")
    well = [server.holds({**deployment(), "health": state}) for state in (HealthState.HEALTHY, HealthState.SUSPENDED)]
    assert server.look(thing, leaving, *well) == []
    assert server.asked == []


def test_a_degraded_object_of_which_nothing_is_known_is_degraded_in_the_words_of_health() -> None:
    thing = Live("Thing.example.com/shop/a", "u", "", "", "1", owned({}), HealthState.DEGRADED, "Ready is False: Broken")
    (trouble,) = Server().look(thing)
    assert (trouble.kind, trouble.detail, trouble.since_ms) == (K.DEGRADED, "Ready is False: Broken", NOW)


def test_what_begins_later_is_no_trouble_yet() -> None:
    words = (Symptom(K.CERTIFICATE, NOW + 1, "a"), Symptom(K.SCALER, NOW, "b"))
    thing = Live("Thing.example.com/shop/a", "u", "", "", "1", owned({}), HealthState.HEALTHY, "", told=words)
    assert kinds(Server().look(thing)) == [K.SCALER]


def test_a_rollout_that_goes_on_is_no_trouble() -> None:
    server = Server(**{PODS: [of(pod(waiting("ContainerCreating"), phase="Pending"))]})
    assert server.look(server.holds(deployment())) == []


def test_what_explains_a_stuck_rollout_is_told_instead_of_it() -> None:
    stuck = deployment(
        conditions=[("Progressing", "False", "ProgressDeadlineExceeded", "timed out")], health=HealthState.DEGRADED
    )
    server = Server(**{PODS: [of(pod(crashing(ended(1))))]})
    assert kinds(server.look(server.holds(dict(stuck)))) == [K.CRASH_LOOP]
    server.answers[PODS] = []
    assert kinds(server.look(server.holds(dict(stuck)))) == [K.STUCK_ROLLOUT]


def test_the_pods_of_the_newest_revision_are_believed_before_older_ones() -> None:
    older, newer = of(pod(waiting("ImagePullBackOff"))), of(pod(crashing(ended(1))), by="web-2", minutes=3)
    server = Server(**{PODS: [older, newer]})
    assert kinds(server.look(server.holds(deployment()))) == [K.CRASH_LOOP]
    server.answers[PODS] = [older, of(pod(running(ready=True), ready="True"), by="web-2", minutes=3)]
    assert kinds(server.look(server.holds(deployment()))) == [K.IMAGE_PULL]


def test_the_same_is_not_asked_twice_in_one_look() -> None:
    unready = of(pod(running(ready=True)))
    server = Server(**{PODS: [unready, of(pod(running(ready=True)), name="other")], "/api/v1/nodes/node-1": {}})
    held = server.holds(deployment())
    server.look(held, held)
    assert len(server.asked) == len(set(server.asked)) == 4


def test_pods_of_a_neighbour_with_a_longer_name_or_of_nobody_are_not_looked_at() -> None:
    broken = [of(pod(crashing(ended(1))), by="web-canary-9"), pod(crashing(ended(1)))]
    server = Server(**{PODS: broken})
    assert server.look(server.holds(deployment())) == []
    assert server.look(*(server.holds(deployment(f"w{n}")) for n in range(5))) == []


def test_where_many_of_a_kind_are_broken_they_are_listed_and_not_asked_for_one_by_one() -> None:
    server = Server()
    made = [deployment(f"w{n}") for n in range(5)]
    path = "/apis/apps/v1/namespaces/shop/deployments"
    server.answers |= {
        path: [{**one, "kind": None} for one in made],
        PODS: [of(pod(crashing(ended(1))), by=f"w{n}-1") for n in (1, 2)],
    }
    assert [t.component for t in server.look(*map(server.holds, made))] == ["w1", "w2"]
    assert sorted(server.asked) == sorted([path, PODS, EVENTS])


def test_a_namespace_with_more_pods_than_are_listed_is_asked_object_by_object() -> None:
    def answer(params: dict[str, str]) -> Json:
        if name := params.get("labelSelector", "").partition("=")[2]:
            return {"items": [of(pod(crashing(ended(1))), by=f"{name}-1")]}
        return {"items": [{}] * 500, "metadata": {"continue": "more"}}

    server = Server(**{PODS: answer, "/apis/apps/v1/namespaces/shop/deployments": {"items": [], "metadata": {"continue": "x"}}})
    server.answers["/apis/apps/v1/namespaces/shop/deployments"]["items"] = [{}] * 5_000
    found = server.look(*(server.holds(deployment(f"w{n}")) for n in range(5)))
    assert kinds(found) == [K.CRASH_LOOP] * 5


def test_a_missing_right_is_told_of_what_had_its_time_and_not_of_what_goes_on() -> None:
    server = Server(**{PODS: Refused(403, "Forbidden", 'cannot list resource "pods"')})
    fresh, old = deployment(), deployment()
    fresh["metadata"]["managedFields"] = [{"manager": "homeostat", "time": at(2)}]
    old["metadata"]["managedFields"] = [{"time": at(20)}, {"subresource": "status", "time": at(1)}]
    assert server.look(server.holds(fresh)) == []
    (trouble,) = server.look(server.holds(old))
    assert trouble.kind is K.DEGRADED
    assert trouble.detail == 'not all are ready; the right to list pods is missing: cannot list resource "pods"'


@pytest.mark.parametrize("path", [PODS, EVENTS, "/apis/apps/v1/namespaces/shop/deployments/web"])
def test_what_could_not_be_looked_at_is_not_called_well(path: str) -> None:
    server = Server()
    held = [server.holds(deployment()), server.holds(deployment("other"))]
    server.answers[path] = Refused(410, "Expired", "the list is too old")
    with pytest.raises(Retryable, match="the list is too old"):
        server.look(*held)


def test_what_is_gone_meanwhile_is_no_trouble() -> None:
    server = Server()
    held = server.holds({**deployment(), "health": HealthState.DEGRADED})
    server.answers = {}
    assert server.look(held) == []


def test_a_refused_pod_counts_only_while_pods_are_missing() -> None:
    refused = happened("FailedCreate", "admission webhook denied the request", uid="uid-web")
    server = Server(**{EVENTS: [refused]})
    made = {**deployment(), "kind": "StatefulSet"}
    assert kinds(server.look(server.holds(made))) == [K.REFUSED]
    made["status"]["replicas"] = 1
    assert server.look(server.holds(made)) == []


def test_a_pod_of_its_own_is_read_itself() -> None:
    server = Server()
    assert kinds(server.look(server.holds(pod(crashing(ended(1)))))) == [K.CRASH_LOOP]


def cron(**status: Any) -> Json:
    return {
        "kind": "CronJob",
        "metadata": {"name": "clean", "uid": "uid-clean"},
        "spec": {},
        "status": {"lastScheduleTime": at(30), **status},
        "health": HealthState.HEALTHY,
    }


def test_a_cron_job_is_explained_by_the_pods_of_its_newest_job() -> None:
    newest = of({**conditions(("Failed", "True", "BackoffLimitExceeded", ""))}, by="clean", kind="CronJob", name="clean-2")
    newest["metadata"]["uid"], newest["spec"] = "uid-clean-2", {"selector": {"matchLabels": {"job": "clean-2"}}}
    older = of(conditions(("Complete", "True", "", "")), by="clean", kind="CronJob", name="clean-1", minutes=90)
    its = of(pod({"name": "web", "state": ended(137, "OOMKilled")}, phase="Failed"), by="clean-2", kind="Job")
    server = Server(**{"/apis/batch/v1/namespaces/shop/jobs": [older, newest], PODS: [its]})
    assert kinds(server.look(server.holds(cron()))) == [K.OUT_OF_MEMORY]
    server.answers[PODS] = []
    (trouble,) = server.look(server.holds(cron()))
    assert (trouble.kind, trouble.object) == (K.JOB_FAILED, "CronJob.batch/shop/clean")
    server.asked.clear()
    assert server.look(server.holds(cron(lastSuccessfulTime=at(29)))) == []
    assert server.asked == []


def test_what_the_target_said_is_one_line_capped_and_without_what_looks_like_a_secret() -> None:
    said = "denied\n\x1b[31m by \u202ehook, token ghp_abcdefghijklmnopqrstuvwxyz0123456789 " + "x" * 5_000
    found = deployment(conditions=[("ReplicaFailure", "True", "FailedCreate", said)], health=HealthState.DEGRADED)
    server = Server()
    (trouble,) = server.look(server.holds(found))
    assert trouble.kind is K.REFUSED
    assert len(trouble.detail) <= 300
    assert trouble.detail.isprintable()
    assert "ghp_" not in trouble.detail
