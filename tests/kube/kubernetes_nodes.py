"""What nodes write into the status of pods. kwok runs no containers: tests say how they fail, and what follows is real."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from kubernetes_unit import ClusterUnit, soon

from reconciler.model.troubles import Trouble, TroubleKind

STRATEGIC = "application/strategic-merge-patch+json"


def pods(unit: ClusterUnit, app: str = "web") -> list[Any]:
    found: list[Any] = unit.ask("GET", f"/api/v1/namespaces/{unit.space}/pods?labelSelector=app%3D{app}")["items"]
    return found


def running(unit: ClusterUnit, count: int, app: str = "web") -> list[Any]:
    soon(lambda: sum(p["status"].get("phase") == "Running" for p in pods(unit, app)) == count, f"{count} pods of {app} run")
    return pods(unit, app)


def fail(unit: ClusterUnit, pod: Any, container: str = "web", **status: Any) -> None:
    """The container is not ready any more, and the pod neither."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": now}
    failing = {"name": container, "image": "shop:1", "imageID": "", "ready": False, "restartCount": 0, **status}
    body = {"status": {"conditions": [ready], "containerStatuses": [failing]}}
    unit.ask("PATCH", f"/api/v1/namespaces/{unit.space}/pods/{pod['metadata']['name']}/status", body, STRATEGIC)


def waiting(reason: str, message: str = "told by the node") -> Any:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: int, reason: str) -> Any:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"lastState": {"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}}}


def warn(unit: ClusterUnit, pod: Any, reason: str, message: str, container: str = "web") -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = pod["metadata"]
    of = {"kind": "Pod", "namespace": unit.space, "name": metadata["name"], "uid": metadata["uid"]}
    body = {
        "metadata": {"name": f"{metadata['name']}.{time.time_ns():x}"},
        "involvedObject": {**of, "fieldPath": f"spec.containers{{{container}}}"},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    unit.ask("POST", f"/api/v1/namespaces/{unit.space}/events", body)


def told(unit: ClusterUnit, *kinds: TroubleKind) -> list[Trouble]:
    """The troubles, once they are of these kinds."""
    return until(unit, lambda found: [t.kind for t in found] == list(kinds), f"{kinds}")


def until(unit: ClusterUnit, fact: Callable[[Collection[Trouble]], bool], what: str) -> list[Trouble]:
    found: list[Trouble] = []

    def so() -> bool:
        found[:] = unit.target.troubles(["shop"])
        return fact(found)

    try:
        soon(so, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; told is {found}") from error
    return found
