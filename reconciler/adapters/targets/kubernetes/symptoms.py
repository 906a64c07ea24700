"""Symptoms: the words for what a pod, its events and its node say. Nothing is asked here, and nothing raises.

Of each container the most telling word counts, in the order of TroubleKind: a container that was killed at its memory limit
is not called a crash loop as well. What is told of a container are the node's words and numbers, never its log or last message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.loosely import condition, holds, items, part, text, when, whole
from reconciler.model.troubles import TroubleKind

RECENT_MS: Final = 10 * 60_000  # a container that ran this long is no longer backed off by its node
EVICTED_MS: Final = 60 * 60_000  # evicted pods stay in the list long after they were replaced
STARTING_MS: Final = 60_000  # to become ready
AGAIN: Final = 2  # restarts that are no accident

WAITING: Final[Mapping[str, TroubleKind]] = {
    "ErrImagePull": TroubleKind.IMAGE_PULL,
    "ImagePullBackOff": TroubleKind.IMAGE_PULL,
    "InvalidImageName": TroubleKind.IMAGE_PULL,
    "ErrImageNeverPull": TroubleKind.IMAGE_PULL,
    "ImageInspectError": TroubleKind.IMAGE_PULL,
    "RegistryUnavailable": TroubleKind.IMAGE_PULL,
    "SignatureValidationFailed": TroubleKind.IMAGE_PULL,
    "CreateContainerConfigError": TroubleKind.BAD_CONFIG,
    "CreateContainerError": TroubleKind.BAD_COMMAND,
    "RunContainerError": TroubleKind.BAD_COMMAND,
    "StartError": TroubleKind.BAD_COMMAND,
}
_NOT_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})
_PREPARING: Final = frozenset({"ContainerCreating", "PodInitializing"})
_MOUNTS: Final = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
_PUT_OUT: Final = frozenset({"Evicted", "Terminated", "NodeShutdown", "Shutdown"})
_ROOM: Final = re.compile(r"Insufficient |Too many pods")
_VOLUME: Final = re.compile(r"(?i)persistentvolume|volume node affinity|volume count|persistent volumes")
_LIMIT: Final = re.compile(r"exceeded quota|failed quota|(max|min)imum \S+ usage per |limit to request ratio per ")
_NAMED: Final = re.compile(
    r"(?i)\b(configmap|secret)s? \S+ not found|references non-existent (config|secret) key|non-existent key"
)
_PRESSURES: Final = ("MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(frozen=True, slots=True)
class Symptom:
    """One word. `since_ms` may lie ahead: from then on it is a trouble; 0 when nobody knows."""

    kind: TroubleKind
    since_ms: int = 0
    detail: str = ""
    leaf: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What an Event says about `uid`."""

    uid: str
    reason: str
    message: str
    container: str
    first_ms: int
    last_ms: int


def event(item: object) -> Event:
    first = when(item, "firstTimestamp") or when(item, "eventTime") or when(item, "metadata", "creationTimestamp")
    last = max(first, when(item, "lastTimestamp"), when(item, "series", "lastObservedTime"))
    of = part(item, "involvedObject")
    container = text(of, "fieldPath").partition("{")[2].rstrip("}")
    return Event(text(of, "uid"), text(item, "reason"), text(item, "message"), container, first, last)


def of_pod(pod: object, events: Sequence[Event], now: int, *, late: bool) -> list[Symptom]:
    """Every container's word and the pod's own. `late`: whoever it belongs to has been waited for long enough."""
    phase = text(pod, "status", "phase")
    if text(pod, "metadata", "deletionTimestamp") or phase == "Succeeded":
        return []
    leaf = f"Pod/{text(pod, 'metadata', 'namespace')}/{text(pod, 'metadata', 'name')}"
    found = [
        Symptom(kind, _since(pod, status, events), detail, leaf, text(status, "name"))
        for field in ("initContainerStatuses", "containerStatuses")
        for status in items(pod, "status", field)
        if (word := _container(status, _of(events, text(status, "name")), now, late=late)) is not None
        for kind, detail in (word,)
    ]
    own = _put_out(pod, now) if phase == "Failed" else _own(pod, events, now)
    return [*found, *(Symptom(kind, since, detail, leaf) for kind, since, detail in own)]


def unready(pod: object) -> bool:
    return text(pod, "status", "phase") not in ("Succeeded", "Failed") and not holds(pod, "Ready")


def of_node(node: object) -> Symptom | None:
    """Short of something, or no longer heard of."""
    bad = [c for c in (condition(node, name) for name in _PRESSURES) if text(c, "status") == "True"]
    ready = condition(node, "Ready")
    bad += [ready] if ready and text(ready, "status") != "True" else []
    if not bad:
        return None
    told = "; ".join(f"{text(c, 'type')} is {text(c, 'status')}: {text(c, 'message') or text(c, 'reason')}" for c in bad)
    since = min((t for c in bad if (t := when(c, "lastTransitionTime"))), default=0)
    return Symptom(TroubleKind.NODE_PRESSURE, since, told, f"Node/{text(node, 'metadata', 'name')}")


def placing(message: str) -> TroubleKind:
    """Why the scheduler finds no node. What preemption would not help is not read."""
    why = message.partition("preemption:")[0]
    if _ROOM.search(why):
        return TroubleKind.NO_ROOM
    return TroubleKind.NO_VOLUME if _VOLUME.search(why) else TroubleKind.NO_PLACE


def making(message: str) -> TroubleKind:
    """Why the API server takes no pods."""
    return TroubleKind.QUOTA if _LIMIT.search(message) else TroubleKind.REFUSED


def mounting(message: str) -> TroubleKind:
    """Why the node cannot mount."""
    return TroubleKind.BAD_CONFIG if _NAMED.search(message) else TroubleKind.NO_VOLUME


def first_words(found: Iterable[Symptom]) -> list[Symptom]:
    """The most telling of each container, and of what belongs to no container. Of one word, the one that began first."""
    order = {kind: number for number, kind in enumerate(TroubleKind)}
    best: dict[str, Symptom] = {}
    for symptom in sorted(found, key=lambda s: (order[s.kind], s.since_ms or 1 << 62, s.leaf)):
        best.setdefault(symptom.container, symptom)
    return list(best.values())


def _container(status: Mapping[str, Any], events: Sequence[Event], now: int, *, late: bool) -> tuple[TroubleKind, str] | None:
    waiting = text(status, "state", "waiting", "reason")
    if kind := WAITING.get(waiting):
        return kind, f"{waiting}: {text(status, 'state', 'waiting', 'message')}"
    running = part(status, "state", "running")
    end = part(status, "state", "terminated") or part(status, "lastState", "terminated")
    lately = not running or when(end, "finishedAt") >= now - RECENT_MS
    if word := _ended(end) if lately else None:
        return word
    restarts = whole(status, "restartCount")
    if waiting == "CrashLoopBackOff" or (end and lately and restarts >= AGAIN and whole(end, "exitCode")):
        told = f"{restarts} restarts, the last end: exit {whole(end, 'exitCode')} ({text(end, 'reason') or 'no reason given'})"
        killed = _told(events, "Unhealthy", "Liveness probe", "Startup probe")
        return (TroubleKind.LIVENESS, f"{killed}; {told}") if killed else (TroubleKind.CRASH_LOOP, told)
    started = when(running, "startedAt")
    if running and status.get("ready") is False and (late or (started and started <= now - STARTING_MS)):
        return TroubleKind.NOT_READY, _told(events, "Unhealthy", "Readiness probe", "Startup probe") or "it runs and is not ready"
    return None


def _ended(end: Mapping[str, Any]) -> tuple[TroubleKind, str] | None:
    reason = text(end, "reason")
    if reason in _NOT_STARTED:
        return TroubleKind.BAD_COMMAND, f"{reason}: {text(end, 'message')}"  # the runtime's words: nothing of it has run
    if reason == "OOMKilled":
        return TroubleKind.OUT_OF_MEMORY, f"OOMKilled: it took more memory than its limit (exit {whole(end, 'exitCode')})"
    return None


def _own(pod: object, events: Sequence[Event], now: int) -> Iterator[tuple[TroubleKind, int, str]]:
    """Not placed, not mounted, or not ready though its containers are."""
    placed = condition(pod, "PodScheduled")
    if text(placed, "status") == "False" and text(placed, "reason") == "Unschedulable":
        yield placing(text(placed, "message")), when(placed, "lastTransitionTime"), text(placed, "message")
    statuses = [*items(pod, "status", "initContainerStatuses"), *items(pod, "status", "containerStatuses")]
    if statuses and all(text(s, "state", "waiting", "reason") in _PREPARING for s in statuses):
        for one in events:
            if one.reason in _MOUNTS and one.last_ms >= now - RECENT_MS:
                yield mounting(one.message), one.first_ms, one.message
    ready = condition(pod, "Ready")
    if text(ready, "status") == "False" and text(ready, "reason") == "ReadinessGatesNotReady":
        yield TroubleKind.NOT_READY, when(ready, "lastTransitionTime"), text(ready, "message")


def _put_out(pod: object, now: int) -> Iterator[tuple[TroubleKind, int, str]]:
    reason, told = text(pod, "status", "reason"), text(pod, "status", "message")
    since = (
        when(condition(pod, "DisruptionTarget"), "lastTransitionTime")
        or max((when(s, "state", "terminated", "finishedAt") for s in items(pod, "status", "containerStatuses")), default=0)
        or when(pod, "status", "startTime")
    )
    if since and since < now - EVICTED_MS:
        return
    if reason in _PUT_OUT:
        yield TroubleKind.EVICTED, since, told or reason
    elif reason.startswith("OutOf"):  # the node's own refusal: OutOfcpu, OutOfpods
        yield TroubleKind.NO_ROOM, since, told or reason


def _since(pod: object, status: Mapping[str, Any], events: Sequence[Event]) -> int:
    """Waiting has no time of its own, and each restart would make an end look new: the earliest of what is known counts."""
    ready = condition(pod, "Ready")
    known = [
        when(ready, "lastTransitionTime") if text(ready, "status") == "False" else 0,
        when(status, "state", "terminated", "finishedAt"),
        when(status, "lastState", "terminated", "finishedAt"),
        *(e.first_ms for e in _of(events, text(status, "name")) if e.reason in ("BackOff", "Failed", "Unhealthy")),
    ]
    return min((t for t in known if t), default=0)


def _of(events: Sequence[Event], container: str) -> list[Event]:
    return [e for e in events if e.container == container]


def _told(events: Sequence[Event], reason: str, *starts: str) -> str:
    """The newest of these events in words."""
    found = [e for e in events if e.reason == reason and e.message.startswith(starts)]
    return max(found, key=lambda e: e.last_ms).message if found else ""
