"""Showing: the tree below a unit's objects, from what they own down to the containers that fail.

In: the managed objects of one unit. Out: branches. Who owns what is read from ownerReferences; claims of a StatefulSet often
have none and are known by their names. Each kind of a namespace is listed once, and only when something is shown that owns it.

Whatever a cluster or a program wrote is hostile: `hide` first, then control characters out, then cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import Api
from reconciler.adapters.targets.kubernetes.asking import Asking
from reconciler.adapters.targets.kubernetes.kinds import Kind, Kinds
from reconciler.adapters.targets.kubernetes.live import Live, LiveStore, object_id
from reconciler.adapters.targets.kubernetes.logs import tails
from reconciler.adapters.targets.kubernetes.loosely import items, text
from reconciler.health.facts import said
from reconciler.model.revisions import HealthState
from reconciler.model.trees import FINE, Branch, Happening

SETS: Final = ("Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "Job.batch", "Pod", "Service", "PersistentVolumeClaim")
OWNS: Final[Mapping[str, tuple[str, ...]]] = {
    "Deployment.apps": ("ReplicaSet.apps",),
    "ReplicaSet.apps": ("Pod",),
    "StatefulSet.apps": ("Pod", "PersistentVolumeClaim"),
    "DaemonSet.apps": ("Pod",),
    "CronJob.batch": ("Job.batch",),
    "Job.batch": ("Pod",),
    "Service": ("EndpointSlice.discovery.k8s.io",),
}
DEEP: Final = 5
MOST: Final = 10  # failing objects of one owner that are shown
EVENTS: Final = 5  # the newest, of one object


@dataclass(frozen=True, slots=True)
class _Seen:
    """A live object on its way into the tree."""

    kind: str
    namespace: str
    name: str
    uid: str
    obj: Mapping[str, Any]
    branch: Branch


class Showing:
    """One look. `whole`: healthy objects are shown, too."""

    def __init__(self, api: Api, kinds: Kinds, live: LiveStore, hide: Callable[[str], str], *, whole: bool) -> None:
        self._api, self._kinds, self._live, self._whole = api, kinds, live, whole
        self._hide = hide
        self._asking = Asking(api, frozenset())

    async def of(self, objects: Iterable[Live]) -> tuple[Branch, ...]:
        """Healthy ones as they are; they are looked into only when the tree is wanted whole."""
        try:
            return tuple(await asyncio.gather(*(self._root(o) for o in sorted(objects, key=lambda o: o.id))))
        finally:
            self._asking.close()

    async def _root(self, live: Live) -> Branch:
        kind, *inside, name = live.id.split("/")
        branch = Branch(live.id, live.state, self._said(live.message))
        if live.state in FINE and not self._whole:
            return branch
        pod = await self._pod(live) if kind == "Pod" else {}
        return await self._grown(_Seen(kind, "".join(inside), name, live.uid, pod, branch), DEEP)

    async def _pod(self, live: Live) -> Mapping[str, Any]:
        """A declared pod, for its containers."""
        kind = await self._kinds.find_named("Pod")
        *inside, name = live.id.split("/")[1:]
        answer = await self._asking.one(kind.path("".join(inside), name), "get pods") if kind else None
        return answer.items[0] if answer and answer.items else {}

    async def _grown(self, seen: _Seen, deep: int) -> Branch:
        found, notes = await self._below(seen) if deep else ([], [])
        shown = found if self._whole else [s for s in found if s.branch.state not in FINE]
        below = await asyncio.gather(*(self._grown(s, deep - 1) for s in shown[:MOST]))
        more = len(shown) - len(below)
        notes += [f"{more} more are not shown"] if more else []
        branch = replace(seen.branch, below=tuple(below), folded=len(found) - len(shown), note="; ".join(notes))
        return branch if seen.branch.state in FINE or below else await self._leaf(seen, branch)

    async def _below(self, seen: _Seen) -> tuple[list[_Seen], list[str]]:
        """What it owns, and what could not be listed."""
        found: list[_Seen] = []
        notes: list[str] = []
        for kind in [k for n in _owned_by(seen.kind) if (k := await self._kinds.find_named(n))] if seen.namespace else ():
            answer = await self._asking.all(kind.path(seen.namespace), kind.plural)
            notes += [self._said(answer.note)] if answer.note else []
            found += [self._met(kind, obj) for obj in answer.items if _owns(seen, kind, obj) and not _idle(kind, obj)]
        return sorted(found, key=lambda s: s.branch.id), notes

    def _met(self, kind: Kind, obj: Mapping[str, Any]) -> _Seen:
        whole = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
        state, message = self._live.judged(whole)
        branch = Branch(object_id(kind, obj), state, self._said(message))
        space, name, uid = (text(obj, "metadata", key) for key in ("namespace", "name", "uid"))
        return _Seen(kind.name, space, name, uid, whole, branch)

    async def _leaf(self, seen: _Seen, branch: Branch) -> Branch:
        """Where a failure shows: what was told of it, and what its containers wrote."""
        events, note = await self._events(seen)
        logs = await tails(self._api, seen.obj, self._hide) if seen.kind == "Pod" and seen.obj else ()
        return replace(branch, events=events, logs=logs, note="; ".join(filter(None, (branch.note, self._said(note)))))

    async def _events(self, seen: _Seen) -> tuple[tuple[Happening, ...], str]:
        if not seen.uid or not seen.namespace:
            return (), ""
        by, note = await self._asking.events(seen.namespace, f"involvedObject.uid={seen.uid}")
        newest = sorted(by.get(seen.uid, ()), key=lambda e: e.last_ms)[-EVENTS:]
        return tuple(Happening(e.last_ms, self._said(e.reason), self._said(e.message)) for e in newest), note

    def _said(self, found: str) -> str:
        return said(self._hide(found))


def missing(ids: Iterable[str]) -> tuple[Branch, ...]:
    return tuple(Branch(i, HealthState.MISSING, "it is not in the cluster") for i in sorted(ids))


def _owned_by(kind: str) -> Sequence[str]:
    """Of a kind that Kubernetes does not define itself: whatever its controller may have made."""
    group = kind.partition(".")[2]
    return OWNS.get(kind, SETS if "." in group and not group.endswith(".k8s.io") else ())


def _owns(seen: _Seen, kind: Kind, obj: Mapping[str, Any]) -> bool:
    if any(seen.uid and text(o, "uid") == seen.uid for o in items(obj, "metadata", "ownerReferences")):
        return True
    if kind.kind != "PersistentVolumeClaim" or seen.kind != "StatefulSet.apps":
        return False
    front, _, ordinal = text(obj, "metadata", "name").rpartition("-")
    return ordinal.isdigit() and front.endswith(f"-{seen.name}")


def _idle(kind: Kind, obj: Mapping[str, Any]) -> bool:
    """Earlier revisions of a Deployment that have no pods."""
    return (
        kind.name == "ReplicaSet.apps" and not obj.get("spec", {}).get("replicas") and not obj.get("status", {}).get("replicas")
    )
