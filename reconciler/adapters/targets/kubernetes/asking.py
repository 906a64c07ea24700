"""Asking: what one look at a cluster needs to read, each thing once and behind everything that is applied.

An answer may be a note instead: which right is missing. What is gone is empty; whatever else goes wrong is Retryable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import Api, Refused, TooLarge
from reconciler.adapters.targets.kubernetes.gate import Rank
from reconciler.adapters.targets.kubernetes.loosely import items, part, text, texts
from reconciler.adapters.targets.kubernetes.symptoms import Event, event
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
    """One look. `crowded`: namespaces whose pods are listed at once."""

    def __init__(self, api: Api, crowded: frozenset[str]) -> None:
        self._api, self._crowded = api, crowded
        self._asked: dict[tuple[str, ...], asyncio.Task[Answer]] = {}
        self._events: dict[tuple[str, str], Mapping[str, list[Event]]] = {}

    def close(self) -> None:
        """What nobody waits for any more is not asked."""
        for task in self._asked.values():
            task.cancel()

    async def one(self, path: str, what: str) -> Answer:
        return await self._once(what, path)

    async def pods(self, namespace: str, selector: str) -> Answer:
        """Those of one selector, and perhaps others."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        if namespace in self._crowded:
            found = await self._once("list pods", path, PAGE, MAX_LISTED)
            if not found.more:
                return found
        return await self._once("list pods", path, MAX_PODS, MAX_PODS, labelSelector=selector)

    async def jobs(self, namespace: str) -> Answer:
        return await self._once("list jobs", f"/apis/batch/v1/namespaces/{namespace}/jobs", PAGE, MAX_LISTED)

    async def all(self, path: str, what: str) -> Answer:
        """Everything at a path, as far as MAX_LISTED."""
        return await self._once(f"list {what}", path, PAGE, MAX_LISTED)

    async def events(self, namespace: str, about: str) -> tuple[Mapping[str, list[Event]], str]:
        """By the uid of what they are about; `about` is a field selector."""
        found = await self._once("list events", f"/api/v1/namespaces/{namespace}/events", PAGE, MAX_LISTED, fieldSelector=about)
        if (namespace, about) not in self._events:
            by: dict[str, list[Event]] = {}
            for one in map(event, found.items):
                by.setdefault(one.uid, []).append(one)
            self._events[namespace, about] = by
        return self._events[namespace, about], found.note

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


def newest_first(pods: Sequence[Any], owner: object) -> tuple[list[Any], list[Any]]:
    """The pods of `owner`: those of the revision that the newest one belongs to, and the others."""
    mine = [p for p in pods if _made_by(p, owner)][:MAX_PODS]
    if not mine:
        return [], []
    newest = _revision(max(mine, key=lambda p: text(p, "metadata", "creationTimestamp")))
    return [p for p in mine if _revision(p) == newest], [p for p in mine if _revision(p) != newest]


def maker(obj: object) -> Mapping[str, Any]:
    """The reference to its controller, {} where it has none."""
    return next((o for o in items(obj, "metadata", "ownerReferences") if o.get("controller") is True), {})


def _made_by(pod: Any, owner: object) -> bool:
    """Deployments make pods through ReplicaSets, whose names are theirs and a hash."""
    by = maker(pod)
    if text(owner, "kind") == "Deployment":
        return text(by, "kind") == "ReplicaSet" and text(by, "name").rpartition("-")[0] == text(owner, "metadata", "name")
    return text(by, "uid") == text(owner, "metadata", "uid") != ""


def _revision(pod: Any) -> str:
    labels = part(pod, "metadata", "labels")
    return text(labels, "pod-template-hash") or text(labels, "controller-revision-hash")
