"""One-shot acts on the unit's own objects: each is done once, and what converging wants of it is clear."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cluster.controlplane import Cluster
from kubernetes_acts import ActingUnit, acting
from kubernetes_unit import soon

from reconciler.adapters.targets.kubernetes.acted import ActRecord, Entry
from reconciler.errors import HomeostatError, Permanent
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act
from reconciler.testing.check_operator import CHECKS, OperatorRig

pytestmark = pytest.mark.peer
RESTARTED = "kubectl.kubernetes.io/restartedAt"


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> Iterator[ActingUnit]:
    with acting(whole_cluster, namespace) as made:
        yield made


class RestartRig:
    """Effects are the versions of the pod template beyond the first."""

    def __init__(self, unit: ActingUnit) -> None:
        self.operator, self._unit = unit.target, unit
        unit.put(unit.deployment())

    def act(self, name: str) -> Act:
        return Act(name, "shop", "restart", "web")

    def effects(self) -> int:
        return int(self._unit.get()["metadata"]["generation"]) - 1


@pytest.fixture
def rig(unit: ActingUnit) -> OperatorRig:
    return RestartRig(unit)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_cluster_keeps_the_promise_of_an_operator(rig: OperatorRig, check: Callable[[OperatorRig], None]) -> None:
    check(rig)


def test_a_restart_replaces_every_pod_once_and_is_no_drift(unit: ActingUnit) -> None:
    unit.run_all(unit.deployment())
    before = {p["metadata"]["uid"] for p in unit.running()}
    assert unit.do("restart").ok
    soon(lambda: len(unit.pods()) == 2 and not before & {p["metadata"]["uid"] for p in unit.running()}, "both are new")
    after = {p["metadata"]["uid"] for p in unit.running()}
    unit.reopen()
    assert unit.do("restart").reason == Reason.DUPLICATE
    assert unit.plan(unit.deployment()).is_empty
    assert unit.put(unit.deployment()).ok
    assert {p["metadata"]["uid"] for p in unit.running()} == after


def test_an_act_whose_end_was_never_written_is_known_by_its_mark(unit: ActingUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.put(unit.deployment())
    monkeypatch.setattr(ActRecord, "tell", _killed)
    with pytest.raises(HomeostatError, match="killed"):
        unit.do("restart")
    version = unit.get()["metadata"]["generation"]
    unit.reopen()
    assert unit.do("restart").reason == Reason.DUPLICATE
    assert unit.get()["metadata"]["generation"] == version == 2


def test_an_act_that_was_begun_and_left_no_mark_is_raised_and_not_done(unit: ActingUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.put(unit.deployment())
    with monkeypatch.context() as patched:
        patched.setattr("reconciler.adapters.targets.kubernetes.operations.Operations._do", _killed)
        with pytest.raises(HomeostatError, match="killed"):
            unit.do("restart")
    unit.reopen()
    for dry_run in (True, False):
        with pytest.raises(Permanent, match="its end is not known"):
            unit.do("restart", dry_run=dry_run)
    with pytest.raises(Permanent, match="knows of no restart"):
        unit.go_on("restart", "web")
    assert unit.get()["metadata"]["generation"] == 1


@pytest.mark.parametrize("done", [True, False], ids=["and-did-it", "and-is-at-it"])
def test_of_two_processes_that_want_one_id_the_slower_does_nothing(
    unit: ActingUnit, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    unit.put(unit.deployment())
    claim = ActRecord.claim

    async def overtaken(self: ActRecord, act: Act) -> tuple[Entry, bool]:
        entry, _ = await claim(self, act)
        await self.tell(act, entry, "by another process", done=done)
        return await claim(self, act)

    monkeypatch.setattr(ActRecord, "claim", overtaken)
    if done:
        assert unit.do("restart").reason == Reason.DUPLICATE
    else:
        with pytest.raises(Permanent, match="by another process"):
            unit.do("restart")
    assert unit.get()["metadata"]["generation"] == 1


def test_what_cannot_be_written_down_is_not_begun(unit: ActingUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.put(unit.deployment())
    monkeypatch.setattr(ActRecord, "claim", _killed)
    told = unit.do("restart")
    assert not told.ok
    assert "it was not begun" in told.detail
    assert unit.get()["metadata"]["generation"] == 1


def test_scaled_to_zero_stays_there_until_scaled_back_and_then_git_counts_again(unit: ActingUnit) -> None:
    unit.run_all(unit.deployment(replicas=2))
    unit.patch(f"{unit.deployments}/web/scale", {"spec": {"replicas": 3}})
    assert unit.do("scale-to-zero", name="down").ok
    soon(lambda: not unit.pods(), "no pod is left")
    assert unit.plan(unit.deployment(replicas=2)).is_empty
    assert unit.put(unit.deployment(replicas=2, image="shop:2")).ok
    assert unit.get()["spec"]["replicas"] == 0
    unit.reopen()
    assert unit.plan(unit.deployment(replicas=2, image="shop:2")).is_empty
    assert unit.do("scale-back", name="up").detail == "from 0 replicas to 3"
    soon(lambda: not unit.plan(unit.deployment(replicas=2, image="shop:2")).is_empty, "Git wants two")
    assert unit.put(unit.deployment(replicas=2, image="shop:2")).ok
    assert unit.get()["spec"]["replicas"] == 2
    unit.patch(f"{unit.deployments}/web", {"spec": {"replicas": 7}})
    soon(lambda: not unit.plan(unit.deployment(replicas=2, image="shop:2")).is_empty, "a person's number is drift again")
    assert unit.do("scale-back", name="again").ok is False


def test_a_number_that_is_gits_after_scaling_back_is_gits_business_too(unit: ActingUnit) -> None:
    unit.put(unit.deployment(replicas=2))
    unit.do("scale-to-zero", name="down")
    unit.do("scale-back", name="up")
    soon(lambda: not unit.plan(unit.deployment(replicas=2)).is_empty, "the field is taken back")
    unit.put(unit.deployment(replicas=2))
    assert unit.plan(unit.deployment(replicas=2)).is_empty
    unit.patch(f"{unit.deployments}/web", {"spec": {"replicas": 7}})
    soon(lambda: not unit.plan(unit.deployment(replicas=2)).is_empty, "a person's number is drift again")


def test_a_job_runs_from_its_cron_job_once(unit: ActingUnit) -> None:
    unit.put(unit.cron())
    assert unit.do("run-job", "clean", "clean-1").ok
    unit.reopen()
    assert unit.do("run-job", "clean", "clean-1").reason == Reason.DUPLICATE
    jobs = unit.ask("GET", f"/apis/batch/v1/namespaces/{unit.space}/jobs")["items"]
    assert [(j["metadata"]["name"], j["metadata"]["ownerReferences"][0]["name"]) for j in jobs] == [("clean-1", "clean")]
    assert unit.plan(unit.cron()).is_empty


def test_a_suspended_job_is_a_template_and_stays_one(unit: ActingUnit) -> None:
    cron = unit.cron()
    spec = {**cron["spec"]["jobTemplate"]["spec"], "suspend": True}
    template = {**cron, "kind": "Job", "spec": spec}
    unit.put(template)
    assert unit.do("run-job", "clean", "clean-1").ok
    soon(lambda: bool(unit.ask("GET", f"/api/v1/namespaces/{unit.space}/pods")["items"]), "the run has a pod")
    assert unit.ask("GET", f"/apis/batch/v1/namespaces/{unit.space}/jobs/clean")["spec"]["suspend"] is True
    assert unit.plan(template).is_empty


def test_a_name_that_fits_two_objects_is_refused_until_it_says_more(unit: ActingUnit) -> None:
    web = unit.deployment()
    stateful = {**web, "kind": "StatefulSet", "spec": {**web["spec"], "serviceName": "web"}}
    unit.put(web, stateful)
    assert "may be any of" in unit.do("restart").detail
    assert unit.do("restart", f"statefulset.apps/{unit.space}/web").ok
    notes = [unit.get(k)["spec"]["template"]["metadata"].get("annotations") or {} for k in ("statefulsets", "deployments")]
    assert [RESTARTED in n for n in notes] == [True, False]


def test_what_would_do_nothing_is_refused(unit: ActingUnit) -> None:
    web = unit.deployment()
    web["spec"]["paused"] = True
    unit.put(web)
    assert "paused" in unit.do("restart", dry_run=True).detail
    assert "no Operation has scaled it" in unit.do("scale-back", dry_run=True).detail


def test_a_right_that_the_units_account_lacks_is_named_and_frees_the_id(unit: ActingUnit) -> None:
    unit.put(unit.deployment())
    who = f"system:serviceaccount:{unit.space}:nobody"
    for dry_run in (True, False):
        told = unit.do("restart", user=who, dry_run=dry_run)
        assert not told.ok
        assert "cannot patch" in told.detail
        assert who in told.detail
    assert unit.do("restart").ok


async def _killed(*_: object, **__: object) -> None:
    raise HomeostatError("killed")
