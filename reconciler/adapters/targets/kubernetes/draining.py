"""Draining: pods are asked to leave by the eviction API, which keeps every disruption budget. Nothing is deleted.

1. Survey: pods of DaemonSets and the kubelet's own stay; a pod that would not come back, or whose data on the node would be
   lost, is an obstacle, and then nothing is done.
2. Preview: each eviction as a dry run. A budget that allows none now refuses the whole act.
3. A turn: cordon the node once, ask everybody who is still there to leave, and say how far it is. Nobody waits here: the server
   answers only "too many" while a budget is used up, so it is asked again in a later turn.
4. The end: nothing is left, or the time since the beginning is over, or somebody has uncordoned the node or taken it away.

Where a drain stands is in the record (since when, of how many pods) and on the node, so that any process goes on with it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.adapters.targets.kubernetes.acted import MERGE, ActRecord, Entry
from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.adapters.targets.kubernetes.deeds import mark_of, marked, marking
from reconciler.adapters.targets.kubernetes.masks import OPERATIONS
from reconciler.adapters.targets.kubernetes.sending import words
from reconciler.errors import Retryable
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted

MIRROR = "kubernetes.io/config.mirror"
SOONEST_MS, LATEST_MS = 200, 5_000  # between two turns: a quarter of the time that it has lasted
NAMED = 5  # reasons named in one sentence
PODS = 3  # pods named for one reason
LOSING = "drain-with-local-data"
DRAINS = ("drain", LOSING)


@dataclass(frozen=True, slots=True)
class Survey:
    """What is on a node: who has to go, who stays, and why it cannot be emptied."""

    going: tuple[Mapping[str, Any], ...]
    staying: int
    obstacles: tuple[tuple[str, str], ...]  # pod and why

    @property
    def left(self) -> int:
        return len(self.going) + len(self.obstacles)


class Drains:
    """Drains that have begun on one cluster."""

    def __init__(self, api: Api, record: ActRecord, limit_ms: int) -> None:
        self._api, self._record, self._limit_ms = api, record, limit_ms

    async def go_on(self, act: Act, entry: Entry) -> Acted:
        """Steps 3 and 4. INVALID: not even the node could be cordoned, so nothing was done."""
        path, cordoned = f"/api/v1/nodes/{act.component}", entry.of > 0
        try:
            node = await self._api.get(path)
            if over := _stopped(act, entry, node):
                return over
            if not _cordoned(node):
                await self._write(path, {"spec": {"unschedulable": True}}, act)
            cordoned = True
            return await self._turn(path, act, entry)
        except Refused as refused:
            if refused.status >= 500:
                raise
            return _incomplete(entry, words(refused)) if cordoned else Acted(False, Reason.INVALID.value, words(refused))

    async def _turn(self, path: str, act: Act, entry: Entry) -> Acted:
        found = await survey(self._api, act.component, lose_data=act.action == LOSING)
        total = max(entry.of, found.left)
        if not found.left:
            told = f"cordoned; {total} pods have gone, {found.staying} of DaemonSets or the node itself stay"
            await self._write(path, marking(mark_of(act)), act)  # until it is empty nothing says that it was done
            await self._record.tell(act, entry, told, done=True, of=total)
            return Acted(True, Reason.APPLIED.value, told)
        lasted_ms = int((datetime.now(UTC) - entry.begun).total_seconds() * 1_000)
        if lasted_ms >= self._limit_ms:
            return _incomplete(entry, f"{found.left} of {total} pods are left after {self._limit_ms / 1_000:g} s")
        answers = await asyncio.gather(*(self._asked(pod, act.user) for pod in found.going))
        told = f"cordoned; {found.left} of {total} pods are left: {counted([*found.obstacles, *answers])}"
        if (told, total) != (entry.detail, entry.of):
            await self._record.tell(act, entry, told, of=total)
        return Acted(True, Reason.WAITING.value, told, min(max(lasted_ms // 4, SOONEST_MS), LATEST_MS))

    async def _asked(self, pod: Mapping[str, Any], user: str) -> tuple[str, str]:
        try:
            why = "" if _leaving(pod) else await refusal(self._api, pod, user, dry=False)
        except Retryable as error:
            why = error.message  # the next survey tells whether it goes
        return _name(pod), why or "is ending"

    async def _write(self, path: str, body: Mapping[str, Any], act: Act) -> None:
        params = {"fieldManager": OPERATIONS}
        await self._api.send(Request("PATCH", path, params, json.dumps(body).encode(), MERGE, act.user))


async def survey(api: Api, node: str, *, lose_data: bool) -> Survey:
    pods = (await api.get("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")).get("items") or []
    stay = [p for p in pods if _stays(p)]
    rest = [p for p in pods if not _stays(p)]
    obstacles = [(_name(p), why) for p in rest if (why := _obstacle(p, lose_data=lose_data))]
    return Survey(tuple(p for p in rest if not _obstacle(p, lose_data=lose_data)), len(stay), tuple(obstacles))


async def preview(api: Api, pods: Sequence[Mapping[str, Any]], user: str) -> str:
    """Why they cannot be evicted now, "" when each can."""
    asked = [p for p in pods if not _leaving(p)]
    told = await asyncio.gather(*(refusal(api, p, user, dry=True) for p in asked))
    return counted((_name(p), why) for p, why in zip(asked, told, strict=True) if why)


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
        return words(refused)
    return ""


def _stopped(act: Act, entry: Entry, node: Mapping[str, Any]) -> Acted | None:
    """Done before, or stopped by somebody who uncordoned the node: nobody is fought about it."""
    if marked(node) == mark_of(act):
        return Acted(True, Reason.APPLIED.value, f"done before: {act.component} says so")
    if entry.of and not _cordoned(node):
        return _incomplete(entry, "somebody has uncordoned the node")
    return None


def _incomplete(entry: Entry, why: str) -> Acted:
    return Acted(False, Reason.INCOMPLETE.value, f"{why}; it stays as it is. Last: {entry.detail}")


def _cordoned(node: Mapping[str, Any]) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


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


def counted(told: Iterable[tuple[str, str]]) -> str:
    """Each reason once, with the pods that it is told of."""
    pods: dict[str, list[str]] = {}
    for pod, why in told:
        pods.setdefault(why, []).append(pod)
    lines = [f"{_named(names)}: {why}" for why, names in sorted(pods.items())]
    return "; ".join(lines[:NAMED]) + (f"; and {len(lines) - NAMED} more reasons" if len(lines) > NAMED else "")


def _named(pods: Sequence[str]) -> str:
    return ", ".join(sorted(pods)[:PODS]) + (f" and {len(pods) - PODS} more" if len(pods) > PODS else "")
