"""Deeds: one-shot acts that are one write to one object: restart, scale to zero and back, cordon, uncordon, a Job.

In: the live object and the act's mark. Out: what is written, or a sentence that says why it is not. The mark is written
together with the effect, so whoever asks later sees from the object itself that it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.adapters.targets.kubernetes.masks import OPERATIONS, ZERO
from reconciler.ports.target import Act

MARK = "homeostat.dev/operation"
BEFORE = "homeostat.dev/replicas-before"
OURS = "homeostat.dev/"
DEPLOYMENT, STATEFUL, DAEMON = "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps"
MADE_BY_JOBS = ("batch.kubernetes.io/", "controller-uid", "job-name")


@dataclass(frozen=True, slots=True)
class Write:
    """A merge patch, who it is by, and what it does."""

    body: Mapping[str, Any]
    told: str
    manager: str = OPERATIONS  # not who applies: what an act writes is no part of what Git wants


Deed = Callable[[Mapping[str, Any], str], Write | str]


def marked(obj: Mapping[str, Any]) -> str:
    """`action/id` of the act that wrote it last."""
    return str((obj["metadata"].get("annotations") or {}).get(MARK, ""))


def restart(obj: Mapping[str, Any], mark: str) -> Write | str:
    """As `kubectl rollout restart`: a new pod template, so the workload's own strategy replaces the pods."""
    spec = obj["spec"]
    if spec.get("paused"):
        return "it is paused, so nothing would restart; resume it first"
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return "its update strategy is OnDelete, so nothing would restart; evict its pods instead"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    notes = {"kubectl.kubernetes.io/restartedAt": now, MARK: mark}
    return Write({**marking(mark), "spec": {"template": {"metadata": {"annotations": notes}}}}, "its pods are replaced")


def scale_to_zero(obj: Mapping[str, Any], mark: str) -> Write | str:
    """The number is this act's from now on, as it would be a scaler's: Git's counts again after `scale-back`."""
    count = int(obj["spec"].get("replicas", 1))
    if count == 0:
        return "it has no replicas already"
    body = {**marking(mark, **{BEFORE: str(count)}), "spec": {"replicas": 0}}
    return Write(body, f"from {count} replicas to 0", ZERO)


def scale_back(obj: Mapping[str, Any], mark: str) -> Write | str:
    """As many as before. The field is nobody's after that, so Git's number is put back where Git has one."""
    before = str((obj["metadata"].get("annotations") or {}).get(BEFORE, ""))
    if not before.isdigit() or int(obj["spec"].get("replicas", 1)) != 0:
        return "no Operation has scaled it to zero, or somebody has scaled it up since"
    body = {**marking(mark, **{BEFORE: None}), "spec": {"replicas": int(before)}}
    return Write(body, f"from 0 replicas to {before}")


def cordon(node: Mapping[str, Any], mark: str) -> Write | str:
    if (node.get("spec") or {}).get("unschedulable"):
        return "it is cordoned already"
    return Write({**marking(mark), "spec": {"unschedulable": True}}, "no new pod goes there")


def uncordon(node: Mapping[str, Any], mark: str) -> Write | str:
    if not (node.get("spec") or {}).get("unschedulable"):
        return "it is not cordoned"
    return Write({**marking(mark), "spec": {"unschedulable": None}}, "new pods may go there")


def job(source: Mapping[str, Any], name: str, mark: str) -> Mapping[str, Any] | str:
    """A Job of a CronJob, as `kubectl create job --from`, or a copy of a suspended Job."""
    metadata, spec = source["metadata"], source["spec"]
    of_cron = source["kind"] == "CronJob"
    if of_cron and spec.get("concurrencyPolicy") == "Forbid" and (source.get("status") or {}).get("active"):
        return "a run of it is active, and it forbids two at once"
    if not of_cron and not spec.get("suspend"):
        return "it is no template: a Job runs by itself unless it says `suspend: true`"
    template = spec["jobTemplate"] if of_cron else {"metadata": metadata, "spec": _unrun(spec)}
    wanted = template.get("metadata") or {}
    owner = {k: v for k, v in (("apiVersion", "batch/v1"), ("kind", source["kind"]), *metadata.items()) if k in _NAMING}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": _foreign(wanted.get("labels")),
            "annotations": {**_foreign(wanted.get("annotations")), "cronjob.kubernetes.io/instantiate": "manual", MARK: mark},
            "ownerReferences": [{**owner, "controller": of_cron}],
        },
        "spec": template["spec"],
    }


_NAMING = frozenset({"apiVersion", "kind", "name", "uid"})


def _unrun(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A Job's spec as it was before the server named its pods."""
    kept = {k: v for k, v in spec.items() if k not in ("suspend", "selector", "manualSelector")}
    template = spec["template"]
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if not k.startswith(MADE_BY_JOBS)}
    return {**kept, "template": {**template, "metadata": {**metadata, "labels": labels}}}


def _foreign(notes: Mapping[str, str] | None) -> dict[str, str]:
    """Without our own: the run is no object of the unit, so nothing prunes it."""
    return {k: v for k, v in (notes or {}).items() if not k.startswith((OURS, *MADE_BY_JOBS))}


def mark_of(act: Act) -> str:
    return f"{act.action}/{act.id}"


def marking(mark: str, **more: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {MARK: mark, **more}}}
