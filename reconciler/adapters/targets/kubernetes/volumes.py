"""Volumes: how full claims are, as the kubelets of the nodes that mount them say.

No object holds that, and reading it through the API server takes the right `nodes/proxy`, which runs commands on nodes. So the
kubelets are asked themselves, with the right `nodes/stats`, and only when the target's settings say so. Asked are the nodes
that pods with a claim run on, once a minute, as many as answer within some seconds: the others come first the next time. A
kubelet that cannot be asked is told in the log, and what it said last counts for some minutes more.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.adapters.targets.kubernetes import jsons
from reconciler.adapters.targets.kubernetes.api import Api
from reconciler.adapters.targets.kubernetes.asking import Asking
from reconciler.adapters.targets.kubernetes.live import Live
from reconciler.adapters.targets.kubernetes.loosely import items, part, text, whole
from reconciler.adapters.targets.kubernetes.reaching import Way
from reconciler.adapters.targets.kubernetes.wires import Asked, Wires
from reconciler.documents.installation_parts import VolumeSettings
from reconciler.errors import HomeostatError
from reconciler.health.facts import said
from reconciler.model.troubles import Trouble, TroubleKind

log = logging.getLogger("homeostat")

CLAIM, STATEFUL = "PersistentVolumeClaim", "StatefulSet.apps"
EVERY_MS: Final = 60_000
STALE_MS: Final = 5 * EVERY_MS  # what a kubelet said that does not answer any more
MAX_PODS: Final = 1_000  # of one node
MAX_ANSWER: Final = 16 * 1024 * 1024
TIMEOUT_S: Final = 5.0
PATIENCE_S: Final = 2 * TIMEOUT_S  # with all kubelets of a look; 100 that are silent take half of it
PORT: Final = 10_250  # where the node does not say
AT_ONCE: Final = 100  # kubelets: each is a connection, and a process has about a thousand files


@dataclass(frozen=True, slots=True)
class Fill:
    """How much of one claim is used, in per cent."""

    used: int
    inodes: int
    capacity: int

    def __str__(self) -> str:
        gib = self.capacity / (1 << 30)
        return f"{self.used} % of {gib:.1f} GiB is used" + (f", {self.inodes} % of its inodes" if self.inodes > self.used else "")


Fills = Mapping[str, Fill]  # by namespace/name of the claim


class Volumes:
    """Of one cluster, on its event loop."""

    def __init__(self, api: Api, settings: VolumeSettings) -> None:
        self._api, self._settings = api, settings
        self._tls = _unchecked() if settings.unchecked_certificates else api.access.tls or ssl.create_default_context()
        self._nodes: dict[str, frozenset[str]] = {}  # those that a namespace's claims are mounted on
        self._read: dict[str, tuple[int, Fills]] = {}  # by node: when, and what it said
        self._looked: dict[str, int] = {}  # by namespace and node: when it was asked last
        self._since: dict[str, int] = {}  # claims that are nearly full
        self._told: dict[str, str] = {}  # what is wrong with a kubelet, said once
        self._turn, self._few = asyncio.Lock(), asyncio.Semaphore(AT_ONCE)

    async def of(self, objects: Collection[Live], asking: Asking, now: int) -> list[Trouble]:
        """Of the claims among these objects, and of those that their StatefulSets made."""
        holders = [o for o in objects if o.id.startswith((CLAIM + "/", STATEFUL + "/"))]
        async with self._turn:
            await self._refresh(sorted({o.id.split("/")[1] for o in holders}), asking, now)
        full = {c: f for c, f in self._fills(now).items() if max(f.used, f.inodes) >= self._settings.filled_percent}
        self._since = {claim: self._since.get(claim, now) for claim in full}
        found = [(claim, [o for o in holders if _holds(o, claim)]) for claim in full]
        return [_trouble(max(those, key=_likely), claim, full[claim], self._since[claim]) for claim, those in found if those]

    async def _refresh(self, spaces: Collection[str], asking: Asking, now: int) -> None:
        for space in spaces:
            if self._due(space, now):
                self._looked[space] = now
                found = await asking.all(f"/api/v1/namespaces/{space}/pods", "pods")
                self._note(f"namespace {space}", found.note)
                self._nodes[space] = frozenset(text(pod, "spec", "nodeName") for pod in found.items if _mounts(pod)) - {""}
        nodes = sorted({node for space in spaces for node in self._nodes.get(space, ()) if self._due(f"node/{node}", now)})
        until = asyncio.get_running_loop().time() + PATIENCE_S
        waiting = sorted(nodes, key=lambda node: self._looked.get(f"node/{node}", 0))
        await asyncio.gather(*(self._ask(node, asking, now, until) for node in waiting))

    def _due(self, what: str, now: int) -> bool:
        return now >= self._looked.get(what, 0) + EVERY_MS

    async def _ask(self, name: str, asking: Asking, now: int, until: float) -> None:
        """One kubelet, unless it is too late for this look. What goes wrong with it concerns nobody else."""
        why = ""
        try:
            async with self._few:
                if asyncio.get_running_loop().time() > until:
                    return
                self._looked[f"node/{name}"] = now
                answer = await asking.node(name)
                why = answer.note
                for node in answer.items:
                    self._read[name] = (now, fills(await self._summary(node)))
        except (HomeostatError, OSError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
        self._note(f"node {name}", why)

    async def _summary(self, node: object) -> object:
        address = next((a for a in items(node, "status", "addresses") if text(a, "type") == "InternalIP"), {})
        port = whole(node, "status", "daemonEndpoints", "kubeletEndpoint", "Port") or PORT
        host = text(address, "address")
        if not host:
            raise ValueError("the node has no internal address")
        place = f"{f'[{host}]' if ':' in host else host}:{port}"
        wires = Wires(Way(f"https://{place}", self._tls))
        try:
            asked = Asked("GET", "/stats/summary", await self._api.auth(), most=MAX_ANSWER)
            answer = await wires.ask(asked, TIMEOUT_S)
        finally:
            wires.close()
        if answer.status != 200:
            raise ValueError(f"{place} answers {answer.status}; the right is get on nodes/stats")
        return jsons.read(answer.body)

    def _fills(self, now: int) -> Fills:
        self._read = {name: read for name, read in self._read.items() if now < read[0] + STALE_MS}
        return {claim: fill for _, known in sorted(self._read.values(), key=lambda r: r[0]) for claim, fill in known.items()}

    def _note(self, where: str, why: str) -> None:
        if why and self._told.get(where) != why:
            log.warning("kubernetes.volumes", extra={"fields": {"where": where, "why": said(why)}})
        self._told[where] = why


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def fills(summary: object) -> Fills:
    """From a kubelet's summary; what has another shape is not there."""
    pods = summary.get("pods") if isinstance(summary, Mapping) else None
    return {
        f"{text(volume, 'pvcRef', 'namespace')}/{text(volume, 'pvcRef', 'name')}": _fill(volume)
        for pod in (pods[:MAX_PODS] if isinstance(pods, list) else ())
        for volume in items(pod, "volume")
        if part(volume, "pvcRef") and whole(volume, "capacityBytes") > 0
    }


def _fill(volume: Mapping[str, Any]) -> Fill:
    """What is left counts, not what is used: file systems keep some for themselves."""
    capacity, left = whole(volume, "capacityBytes"), whole(volume, "availableBytes")
    inodes, spare = whole(volume, "inodes"), whole(volume, "inodesFree")
    return Fill(100 - 100 * left // capacity, 100 - 100 * spare // inodes if inodes > 0 else 0, capacity)


def _holds(holder: Live, claim: str) -> bool:
    """It is the claim, or the StatefulSet that made it: `<template>-<StatefulSet>-<number>` is how those are called."""
    kind, space, name = holder.id.split("/")
    where, _, called = claim.partition("/")
    if where != space or kind == CLAIM:
        return (where, called) == (space, name)
    rest, _, number = called.rpartition("-")
    return number.isdigit() and rest.endswith(f"-{name}")


def _likely(holder: Live) -> tuple[bool, int]:
    """Of two whose names end alike the longer one."""
    return holder.id.startswith(CLAIM), len(holder.id)


def _trouble(holder: Live, claim: str, fill: Fill, since: int) -> Trouble:
    name = holder.id.rpartition("/")[2]
    return Trouble(holder.unit, holder.id, name, TroubleKind.VOLUME_FILLING, since, said(f"{CLAIM}/{claim}"), "", str(fill))


def _mounts(pod: object) -> bool:
    return any(part(volume, "persistentVolumeClaim") for volume in items(pod, "spec", "volumes"))
