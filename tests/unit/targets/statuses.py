"""Statuses as nodes, schedulers and controllers write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NOW = 1_780_000_000_000
Json = dict[str, Any]


def at(minutes_ago: float) -> str:
    return datetime.fromtimestamp(NOW / 1_000 - minutes_ago * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(*containers: Json, phase: str = "Running", ready: str = "False", **status: Any) -> Json:
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": at(30)},
        {"type": "Ready", "status": ready, "reason": "ContainersNotReady", "lastTransitionTime": at(20)},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-5d9c-x", "namespace": "shop", "uid": "p1", "creationTimestamp": at(30)},
        "spec": {"nodeName": "node-1"},
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": list(containers), **status},
    }


def waiting(reason: str, message: str = "", **more: Any) -> Json:
    return {
        "name": "web",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}},
        **more,
    }


def running(*, ready: bool = False, minutes: float = 5, **more: Any) -> Json:
    state = {"running": {"startedAt": at(minutes)}}
    return {"name": "web", "ready": ready, "started": True, "restartCount": 0, "state": state, **more}


def ended(code: int, reason: str = "Error", minutes: float = 2, message: str = "") -> Json:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, "finishedAt": at(minutes)}}


def crashing(end: Json, restarts: int = 7) -> Json:
    told = "back-off 5m0s restarting failed container=web pod=web-5d9c-x_shop(p1)"
    return waiting("CrashLoopBackOff", told, restartCount=restarts, lastState=end)


def unplaced(message: str) -> Json:
    found = pod(phase="Pending")
    found["status"]["conditions"] = [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": at(10),
        }
    ]
    return found


def put_out(reason: str, message: str, minutes: float = 5) -> Json:
    found = pod(phase="Failed", reason=reason, message=message)
    found["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True", "lastTransitionTime": at(minutes)}]
    return found


def happened(reason: str, message: str, *, uid: str = "p1", container: str = "", minutes: float = 3) -> Json:
    of = {"kind": "Pod", "uid": uid, "fieldPath": f"spec.containers{{{container}}}" if container else ""}
    return {
        "type": "Warning",
        "reason": reason,
        "message": message,
        "involvedObject": of,
        "firstTimestamp": at(15),
        "lastTimestamp": at(minutes),
    }


def conditions(*found: tuple[str, str, str, str], **rest: Any) -> Json:
    told = [{"type": t, "status": s, "reason": r, "message": m, "lastTransitionTime": at(10)} for t, s, r, m in found]
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": {}, "status": {"conditions": told}, **rest}
