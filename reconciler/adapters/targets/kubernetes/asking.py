"""Asking: what one look at a cluster needs to read, each thing once and behind everything that is applied.

An answer may be a note instead: which right is missing. What is gone is empty; whatever else goes wrong is Retryable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.gate import Rank
from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.live import OWNER
from reconciler.adapters.targets.kubernetes.loosely import items, part, text, texts
from reconciler.adapters.targets.kubernetes.symptoms import Event, event
from reconciler.adapters.targets.kubernetes.wires import TooLarge
from reconciler.errors import Retryable

MAX_PODS: Final = 200  # of one object that are looked at
FEW: Final = 3  # objects of one namespace that are asked for one by one
MAX_LISTED: Final = 5_000  # of a namespace
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """`note` says which right is missing, and `more` that the list goes on."""

    items: Sequence[Any] = ()
    note: str = ""
    more: bool = False


class Asking:
    """One look. `crowded`: what is listed at once instead of asked for one by one: pods of a namespace by its name, objects of
    ours as `Kind.group/namespace`.
    """

    def __init__(self, api: Api, crowded: frozenset[str] = frozenset(), owner: str = "") -> None:
        self._api, self._owner, self._crowded = api, owner, crowded
        self._asked: dict[tuple[str, ...], asyncio.Task[Answer]] = {}
        self._groups: dict[tuple[str, ...], Mapping[str, list[Any]]] = {}

    def close(self) -> None:
        """What nobody waits for any more is not asked."""
        for task in self._asked.values():
            task.cancel()

    async def one(self, path: str, what: str) -> Answer:
        return await self._once(what, path)

    async def all(self, path: str, what: str, **params: str) -> Answer:
        """Everything at a path, as far as MAX_LISTED."""
        return await self._once(f"list {what}", path, PAGE, MAX_LISTED, **params)

    async def held(self, kind: Kind, namespace: str, name: str) -> Answer:
        if f"{kind.name}/{namespace}" in self._crowded:
            path = kind.path(namespace)
            found = await self.all(path, kind.plural, labelSelector=f"{OWNER}={self._owner}")
            if not found.more:
                named = self._grouped((path,), found.items, lambda o: [text(o, "metadata", "name")])
                return Answer([{**o, "kind": kind.kind} for o in named.get(name, ())], found.note)
        return await self.one(kind.path(namespace, name), f"get {kind.plural}")

    async def node(self, name: str) -> Answer:
        return await self.one(f"/api/v1/nodes/{name}", "get nodes")

    async def pods(self, namespace: str, owner: object) -> Answer:
        """Those that it made."""
        path, by = f"/api/v1/namespaces/{namespace}/pods", selector(owner)
        if not by:
            return Answer()
        found, group = Answer(more=True), ""
        if namespace in self._crowded:
            found = await self.all(path, "pods")
        if found.more:
            found, group = await self._once("list pods", path, MAX_PODS, MAX_PODS, labelSelector=by), by
        mine = self._grouped((path, group), found.items, _makers).get(_maker(owner), ())
        return Answer(mine[:MAX_PODS], found.note)

    async def jobs(self, namespace: str, owner: object) -> Answer:
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        found = await self.all(path, "jobs")
        return Answer(self._grouped((path, "made"), found.items, _makers).get(_maker(owner), ()), found.note)

    async def events(self, namespace: str, about: str) -> tuple[Mapping[str, list[Event]], str]:
        """By the uid of what they are about; `about` is a field selector."""
        path = f"/api/v1/namespaces/{namespace}/events"
        found = await self.all(path, "events", fieldSelector=about)
        if (path, about) not in self._groups:
            self._grouped((path, about), [event(item) for item in found.items], lambda e: [e.uid])
        return self._groups[path, about], found.note

    def _grouped(self, key: tuple[str, ...], found: Sequence[Any], by: Callable[[Any], Iterable[str]]) -> Mapping[str, list[Any]]:
        """One answer is sorted once, however many look into it."""
        if key not in self._groups:
            groups: dict[str, list[Any]] = {}
            for item in found:
                for name in by(item):
                    groups.setdefault(name, []).append(item)
            self._groups[key] = groups
        return self._groups[key]

    async def _once(self, what: str, path: str, page: int = 0, most: int = 1, **params: str) -> Answer:
        """Who asks for the same again gets the same answer."""
        key = (path, str(page), *params.values())
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._ask(what, path, page, most, params))
        return await self._asked[key]

    async def _ask(self, what: str, path: str, page: int, most: int, params: Mapping[str, str]) -> Answer:
        found: list[Any] = []
        asked = {**params, **({"limit": str(page)} if page else {})}
        try:
            while True:
                answer = await self._api.get(path, rank=Rank.IDLE, **asked)
                if not page:
                    return Answer([answer])
                found += answer.get("items") or ()
                more = text(answer, "metadata", "continue")
                if not more or len(found) >= most:
                    return Answer(found, more=bool(more))
                asked["continue"] = more
        except Refused as refused:
            if refused.status == 403:
                return Answer(found, f"the right to {what} is missing: {refused.told}")
            if refused.status == 404:
                return Answer(found)
            raise Retryable(f"cannot {what} at {path}: {refused}") from refused
        except TooLarge as large:
            raise Retryable(f"cannot {what} at {path}: {large}") from large


def selector(obj: object) -> str:
    """Its label selector as the API server reads one; "" when it selects nothing by it."""
    of = part(obj, "spec", "selector")
    wanted = [f"{key}={value}" for key, value in part(of, "matchLabels").items()]
    for rule in items(of, "matchExpressions"):
        key, operator = text(rule, "key"), text(rule, "operator")
        values = ",".join(texts(rule, "values"))
        known = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
        wanted += [known[operator]] if operator in known else []
    return ",".join(wanted)


def newest_first(pods: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Those of the revision that the newest one belongs to, and the others."""
    newest = _revision(max(pods, key=lambda p: text(p, "metadata", "creationTimestamp"))) if pods else ""
    return [p for p in pods if _revision(p) == newest], [p for p in pods if _revision(p) != newest]


def _maker(owner: object) -> str:
    """Deployments make pods through ReplicaSets, whose names are theirs and a hash."""
    return f"Deployment {text(owner, 'metadata', 'name')}" if text(owner, "kind") == "Deployment" else _uid(owner)


def _makers(made: object) -> Iterator[str]:
    by = next((o for o in items(made, "metadata", "ownerReferences") if o.get("controller") is True), {})
    yield text(by, "uid")
    if text(by, "kind") == "ReplicaSet":
        yield f"Deployment {text(by, 'name').rpartition('-')[0]}"


def _uid(obj: object) -> str:
    return text(obj, "metadata", "uid") or "nobody"


def _revision(pod: Any) -> str:
    labels = part(pod, "metadata", "labels")
    return text(labels, "pod-template-hash") or text(labels, "controller-revision-hash")
