"""Troubles: what is wrong with the objects that are not healthy, in one word each, and where it shows.

1. What an object's own status says was read when it was seen, and costs nothing.
2. Of workloads that are not healthy: the object, its pods (those of the newest revision first) and the warnings of its
   namespace are read, and of pods that nothing explains the nodes. What several objects need is asked once.
3. How full claims are is asked of kubelets (`volumes`), if the settings say so.
4. The most telling word of each container and one of the object as a whole are told. That a rollout is stuck, a Job has
   failed or something is degraded is told only where nothing says why.
A right that is missing makes no exception: it is told in the detail of what is told then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import Api
from reconciler.adapters.targets.kubernetes.asking import FEW, Asking, newest_first
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.live import Live
from reconciler.adapters.targets.kubernetes.loosely import items, part, text, when, whole
from reconciler.adapters.targets.kubernetes.standing import told
from reconciler.adapters.targets.kubernetes.symptoms import Symptom, first_words, making, of_node, of_pod, unready
from reconciler.adapters.targets.kubernetes.volumes import Volumes
from reconciler.audit.redact import Redactor
from reconciler.health.facts import said
from reconciler.model.revisions import HealthState
from reconciler.model.troubles import Trouble, TroubleKind

WORKLOADS: Final = frozenset({
    "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "ReplicaSet.apps", "Job.batch", "CronJob.batch", "Pod",
})  # fmt: skip
CLAIM: Final = "PersistentVolumeClaim"
FINE: Final = frozenset({HealthState.HEALTHY, HealthState.SUSPENDED})
SUMMARIES: Final = frozenset({TroubleKind.JOB_FAILED, TroubleKind.STUCK_ROLLOUT, TroubleKind.DEGRADED})
LATE_MS: Final = 10 * 60_000  # an object that nobody has changed for so long has had its time
MADE_MS: Final = 20 * 60_000  # the controller tries to make a pod again at least this often
NODES: Final = 5  # looked at for one object
MANY: Final = 5  # of so many objects one that is not healthy is reason enough to list them all
MAX_READ: Final = 4_000  # characters of a message, before it is cut to what is shown
_WAITS_FOR_PODS: Final = frozenset({"WaitForFirstConsumer", "WaitForPodScheduled"})
_REDACTOR: Final = Redactor()


class Troubles:
    """Of one cluster."""

    def __init__(self, api: Api, kinds: Kinds, owner: str, volumes: Volumes | None = None) -> None:
        self._api, self._kinds, self._owner, self._volumes = api, kinds, owner, volumes

    async def of(self, objects: Collection[Live], now: int) -> list[Trouble]:
        known = [o for o in objects if not o.deleting]
        asking = Asking(self._api, _crowded(known, now), self._owner)
        look = _Look(self._kinds, asking, now)
        try:
            worth = [o for o in known if o.told or o.state not in FINE or _worth(o, now)]
            filled = [self._volumes.of(known, asking, now)] if self._volumes else []
            found = await asyncio.gather(*(look.at(o) for o in worth), *filled)
        finally:
            asking.close()
        return sorted((t for troubles in found for t in troubles), key=lambda t: (t.unit, t.object, t.kind.value, t.container))


class _Look:
    """One look at everything that is not healthy."""

    def __init__(self, kinds: Kinds, asking: Asking, now: int) -> None:
        self._kinds, self._asking, self._now = kinds, asking, now

    async def at(self, live: Live) -> list[Trouble]:
        found = [s for s in live.told if s.since_ms <= self._now]
        notes: list[str] = []
        late = degraded = live.state is HealthState.DEGRADED
        if _worth(live, self._now):
            obj = await self._object(live, notes)
            if obj is None:
                return []
            late = degraded or 0 < _changed_ms(obj) <= self._now - LATE_MS
            found += await self._looked(live, obj, notes, late=degraded)
        words = _without_summaries(first_words(found))
        if not words and (degraded or (notes and late)):
            words = [Symptom(TroubleKind.DEGRADED, 0, live.message)]
        return [self._trouble(live, word, notes) for word in words]

    async def _object(self, live: Live, notes: list[str]) -> Any | None:
        """None when it is gone."""
        name, *rest = live.id.split("/")
        kind = await self._kinds.find_named(name)
        if kind is None:
            return None
        answer = await self._asking.held(kind, _namespace(live.id), rest[-1])
        notes += [answer.note] if answer.note else []
        return answer.items[0] if answer.items else {} if answer.note else None

    async def _looked(self, live: Live, obj: Any, notes: list[str], *, late: bool) -> list[Symptom]:
        kind, space = live.id.split("/", 1)[0], _namespace(live.id)
        if kind == CLAIM:
            return await self._claim(space, obj, notes)
        if kind == "CronJob.batch":
            return await self._cron(space, obj, notes, late=late)
        return await self._workload(space, obj, notes, late=late)

    async def _workload(self, space: str, obj: Any, notes: list[str], *, late: bool) -> list[Symptom]:
        if text(obj, "kind") == "Pod":
            pods: tuple[list[Any], ...] = ([obj],)
        else:
            made_by = await self._asking.pods(space, obj)
            notes += [made_by.note] if made_by.note else []
            pods = newest_first(made_by.items)
        events, note = await self._asking.events(space, "type=Warning")
        notes += [note] if note else []
        made = [e for e in events.get(text(obj, "metadata", "uid"), ()) if e.reason == "FailedCreate"]
        found = [Symptom(making(e.message), e.first_ms, e.message) for e in made if e.last_ms >= self._now - MADE_MS]
        found = found if _short(obj) else []
        for some in pods:
            for one in some:
                found += of_pod(one, events.get(text(one, "metadata", "uid"), ()), self._now, late=late)
            found += [] if found else await self._nodes(some, notes)
            if found:
                break
        return found

    async def _nodes(self, pods: Sequence[Any], notes: list[str]) -> list[Symptom]:
        """Those on which something is not ready and nobody says why."""
        names = sorted({name for p in pods if unready(p) and (name := text(p, "spec", "nodeName"))})[:NODES]
        answers = await asyncio.gather(*(self._asking.node(name) for name in names))
        notes += sorted({a.note for a in answers if a.note})
        return [word for a in answers for node in a.items if (word := of_node(node))]

    async def _cron(self, space: str, obj: Any, notes: list[str], *, late: bool) -> list[Symptom]:
        """What its newest Job says, and the pods of that."""
        answer = await self._asking.jobs(space, obj)
        notes += [answer.note] if answer.note else []
        if not answer.items:
            return []
        job = {**max(answer.items, key=lambda j: text(j, "metadata", "creationTimestamp")), "kind": "Job"}
        return [*told("Job.batch", job), *await self._workload(space, job, notes, late=late)]

    async def _claim(self, space: str, obj: Any, notes: list[str]) -> list[Symptom]:
        """One that waits for its first pod waits rightly."""
        if text(obj, "status", "phase") != "Pending":
            return []
        events, note = await self._asking.events(space, f"involvedObject.kind={CLAIM}")
        notes += [note] if note else []
        about = sorted(events.get(text(obj, "metadata", "uid"), ()), key=lambda e: e.last_ms)
        if about and about[-1].reason in _WAITS_FOR_PODS:
            return []
        why = about[-1].message if about else "it is not bound"
        return [Symptom(TroubleKind.NO_VOLUME, when(obj, "metadata", "creationTimestamp"), why)]

    def _trouble(self, live: Live, word: Symptom, notes: Sequence[str]) -> Trouble:
        detail = "; ".join([word.detail, *(dict.fromkeys(notes) if word.kind in SUMMARIES else ())])
        shown = said(_REDACTOR.text(" ".join(detail[:MAX_READ].split())))
        since = min(word.since_ms or self._now, self._now)
        name = live.id.rpartition("/")[2]
        return Trouble(live.unit, live.id, name, word.kind, since, said(word.leaf), said(word.container), shown)


def _worth(live: Live, now: int) -> bool:
    """Whether requests may tell more than its own status."""
    kind = live.id.split("/", 1)[0]
    if kind == CLAIM:
        return live.state not in FINE
    return kind in WORKLOADS and (live.state not in FINE or 0 < live.look_ms <= now)


def _crowded(objects: Collection[Live], now: int) -> frozenset[str]:
    """Namespaces in which pods are listed at once, and kinds in them of which so many are not healthy that all are listed."""
    held = Counter(_kind_there(o.id) for o in objects)
    looked = Counter(_kind_there(o.id) for o in objects if _worth(o, now))
    pods: Counter[str] = Counter()
    for there, count in looked.items():
        pods[there.partition("/")[2]] += count
    kinds = {there for there, count in looked.items() if count > FEW and count * MANY >= held[there]}
    return frozenset({space for space, count in pods.items() if count > FEW} | kinds)


def _kind_there(object_id: str) -> str:
    return object_id.rpartition("/")[0]


def _without_summaries(words: Sequence[Symptom]) -> list[Symptom]:
    why = [w for w in words if w.kind not in SUMMARIES]
    return why or list(words)


def _namespace(object_id: str) -> str:
    return object_id.split("/")[1] if object_id.count("/") == 2 else ""


def _changed_ms(obj: object) -> int:
    """When anybody last wrote its spec."""
    fields = [f for f in items(obj, "metadata", "managedFields") if text(f, "subresource") != "status"]
    return max((when(f, "time") for f in fields), default=0)


def _short(obj: object) -> bool:
    """Fewer pods exist than it wants."""
    spec, status = part(obj, "spec"), part(obj, "status")
    match text(obj, "kind"):
        case "DaemonSet":
            return whole(status, "currentNumberScheduled") < whole(status, "desiredNumberScheduled")
        case "Job":
            return not whole(status, "active")
        case _:
            return whole(status, "replicas") < (whole(spec, "replicas") if "replicas" in spec else 1)
