"""Draining: pods are asked to leave by the eviction API, which keeps every disruption budget. Nothing is deleted.

1. Survey: pods of DaemonSets and the kubelet's own stay; a pod that would not come back, or whose data on the node would be
   lost, is an obstacle, and then nothing is done.
2. Preview: each eviction as a dry run. A budget that allows none now refuses the whole act.
3. Cordon, then evict until nothing is left. The server answers only "too many" while a budget is used up, so it is asked again.
4. In time it is done or raised: some pods have gone then, and others have not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.adapters.targets.kubernetes.sending import words
from reconciler.errors import Permanent, Retryable

MIRROR = "kubernetes.io/config.mirror"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
NAMED = 5  # pods named in one sentence
Tell = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Survey:
    """What is on a node: who has to go, who stays, and why it cannot be emptied."""

    going: tuple[Mapping[str, Any], ...]
    staying: int
    obstacles: tuple[str, ...]


async def survey(api: Api, node: str, *, lose_data: bool) -> Survey:
    pods = (await api.get("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")).get("items") or []
    stay = [p for p in pods if _stays(p)]
    rest = [p for p in pods if not _stays(p)]
    obstacles = [f"{_name(p)} {why}" for p in rest if (why := _obstacle(p, lose_data=lose_data))]
    return Survey(tuple(p for p in rest if not _obstacle(p, lose_data=lose_data)), len(stay), tuple(obstacles))


async def preview(api: Api, pods: Sequence[Mapping[str, Any]], user: str) -> str:
    """Why they cannot be evicted now, "" when each can."""
    told = await asyncio.gather(*(refusal(api, p, user, dry=True) for p in pods if not _leaving(p)))
    return _some([why for why in told if why])


async def refusal(api: Api, pod: Mapping[str, Any], user: str, *, dry: bool) -> str:
    """Evicts exactly this pod. Why it was refused; "" when it goes, or has gone."""
    metadata = pod["metadata"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "deleteOptions": {"preconditions": {"uid": metadata["uid"]}},
    }
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction"
    params = {"dryRun": "All"} if dry else {}
    try:
        await api.send(Request("POST", path, params, json.dumps(body).encode(), user=user, once=True))
    except Refused as refused:
        if refused.status in (404, 409):  # another pod of this name is not the one that was meant
            return ""
        if refused.status >= 500 and not dry:
            raise Retryable(f"{_name(pod)}: nobody knows whether it was evicted: {refused}") from refused
        return f"{_name(pod)}: {words(refused)}"
    return ""


async def empty(api: Api, node: str, user: str, limit_s: float, tell: Tell, *, lose_data: bool) -> str:
    """Until nothing that has to go is left; what was done. Raises when the time is over."""
    until, pause = asyncio.get_running_loop().time() + limit_s, FIRST_PAUSE_S
    gone: set[str] = set()
    told = ""
    while True:
        found = await survey(api, node, lose_data=lose_data)
        if not found.going and not found.obstacles:
            return f"cordoned; {len(gone)} pods have gone, {found.staying} of DaemonSets or the node itself stay"
        refused = await asyncio.gather(*(_asked(api, p, user) for p in found.going if not _leaving(p)))
        gone |= {p["metadata"]["uid"] for p in found.going}
        left = [*found.obstacles, *filter(None, refused)] or [f"{_name(p)} is ending" for p in found.going]
        now = f"cordoned; {len(gone) - len(found.going)} of {len(gone)} pods have gone; left: {_some(left)}"
        if now != told:
            await tell(told := now)
        if asyncio.get_running_loop().time() + pause > until:
            raise Permanent(
                f"node {node} is not drained after {limit_s:g} s: {now}",
                next_step="it stays cordoned; see why they stay, then add an Operation that drains or uncordons it",
            )
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)


async def _asked(api: Api, pod: Mapping[str, Any], user: str) -> str:
    try:
        return await refusal(api, pod, user, dry=False)
    except Retryable as error:
        return str(error)  # the next survey tells whether it goes


def _stays(pod: Mapping[str, Any]) -> bool:
    return MIRROR in (pod["metadata"].get("annotations") or {}) or controller(pod).get("kind") in ("DaemonSet", "Node")


def _obstacle(pod: Mapping[str, Any], *, lose_data: bool) -> str:
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed") or _leaving(pod):
        return ""
    if not controller(pod):
        return "belongs to no controller and would not come back"
    if not lose_data and any("emptyDir" in v for v in pod["spec"].get("volumes") or ()):
        return "keeps data on the node (emptyDir) that would be lost; drain-with-local-data does it all the same"
    return ""


def controller(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who makes it again; {} when nobody does."""
    return next((o for o in obj["metadata"].get("ownerReferences") or () if o.get("controller")), {})


def _leaving(pod: Mapping[str, Any]) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _name(pod: Mapping[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _some(told: Sequence[str]) -> str:
    return "; ".join(told[:NAMED]) + (f"; and {len(told) - NAMED} more" if len(told) > NAMED else "")
