"""Watching: one list-and-watch over the managed objects of one kind, or of one in a namespace, as long as the target lives.

Filtered by our owner label at the server, so that other people's objects cost nothing. A watch that the server ends goes on
from the last version, bookmarks included. A version that is too old lists again, and so does a connection that broke: a
cluster that was restored from a backup takes a version from before as one to come, and says nothing until it gets there.
Trouble waits longer each time until a watch has worked, and while it lasts who needs the truth is told that nobody knows it.
A kind that is not served any more has no objects: the watch is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.gate import Rank
from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.wires import TooLarge
from reconciler.errors import HomeostatError, Retryable

log = logging.getLogger(__name__)
PAGES = (500, 20)  # objects; an object is at most a few MB
FIRST_S, LONGEST_S = 0.2, 30.0
LASTS_S = 1.0  # a watch that ends sooner and says nothing has not worked
GONE = 410
ABSENT = 404
DENIED = 403


class Watch:
    """`seen` gets objects, `gone` id, uid (where it is known) and version of what is no longer there."""

    def __init__(
        self,
        api: Api,
        kind: Kind,
        namespace: str,
        selector: str,
        seen: Callable[[Kind, Mapping[str, Any], bool], str],
        gone: Callable[[str, str, str], None],
        held: Callable[[], frozenset[str]],
    ) -> None:
        self.kind, self._path = kind, kind.path(namespace)
        self._api, self._selector = api, selector
        self._seen, self._gone, self._held = seen, gone, held
        self._synced = asyncio.Event()
        self._told = asyncio.Event()  # in step, or in trouble: either way who waits can go on
        self.trouble: HomeostatError | None = None
        self.over = False
        self._pause = FIRST_S
        self._task = asyncio.create_task(self._run(), name=f"watch {kind.name}")

    @property
    def in_step(self) -> bool:
        return self._synced.is_set()

    @property
    def denied(self) -> bool:
        """The right to watch it is missing."""
        return isinstance(self.trouble, Refused) and self.trouble.status == DENIED

    async def synced(self, timeout_s: float) -> None:
        """Returns once the first list is in and the watch is not behind; Retryable as soon as there is trouble."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._told.wait()
        if not self._synced.is_set():
            why = self.trouble or "the list has not arrived"
            raise Retryable(f"{self.kind.name} cannot be watched: {why}", after_ms=5_000)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        version = ""
        while True:
            try:
                if not version:
                    version = await self._list()
                version = await self._follow(version)
            except Refused as error:
                version = ""
                if error.status == GONE and self._pause == FIRST_S:  # it only was too old: listed again at once, but not for ever
                    self._pause *= 2
                    self._synced.clear()
                    self._told.clear()
                    continue
                self._behind(error)
                if error.status == ABSENT:
                    return self._end()
            except HomeostatError as error:  # the cluster may have been restored meanwhile: its versions say nothing
                self._behind(error)
                version = ""
            except (KeyError, TypeError, ValueError, RecursionError) as error:  # no object as the API promises one
                self._behind(Retryable(f"the answer is no list of objects: {type(error).__name__}: {error}"))
                version = ""
            if self.trouble:
                await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
                self._pause = min(self._pause * 2, LONGEST_S)

    async def _follow(self, version: str) -> str:
        """The version that it has come to when the server ends it."""
        loop, begun, seen = asyncio.get_running_loop(), math.inf, False
        try:
            async with self._followed(version) as events:
                begun, self.trouble = loop.time(), None
                self._caught_up()
                async for event in events:
                    version, seen = self._take(event), True
        finally:
            if worked := seen or loop.time() >= begun + LASTS_S:
                self._pause = FIRST_S
        if not worked:
            raise Retryable("the watch ends as soon as it begins", next_step="look at the API server, and at a proxy before it")
        return version

    def _end(self) -> None:
        for missing in self._held():
            self._gone(missing, "", "")
        self.trouble, self.over = None, True
        self._caught_up()

    def _caught_up(self) -> None:
        self._synced.set()
        self._told.set()

    def _behind(self, error: HomeostatError) -> None:
        self.trouble = error
        self._synced.clear()
        self._told.set()
        log.warning("kubernetes.watch", extra={"fields": {"kind": self.kind.name, "why": str(error)}})

    async def _list(self) -> str:
        """The version of the list. Pages of large objects are asked for again in smaller ones."""
        for size in PAGES[:-1]:
            try:
                return await self._list_by(size)
            except TooLarge:
                continue
        return await self._list_by(PAGES[-1])

    async def _list_by(self, size: int) -> str:
        found: set[str] = set()
        params = {"labelSelector": self._selector, "limit": str(size)}
        while True:
            page = await self._api.get(self._path, rank=Rank.USUAL, **params)
            for item in page.get("items") or ():
                item.setdefault("apiVersion", self.kind.api_version)
                item.setdefault("kind", self.kind.kind)
                found.add(self._seen(self.kind, item, True))
            if not (more := page["metadata"].get("continue")):
                break
            params["continue"] = more
        version = str(page["metadata"]["resourceVersion"])
        for missing in self._held() - found:
            self._gone(missing, "", version)
        return version

    def _followed(self, version: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """What happens after a version, until the server ends the watch. Only a watch that was opened is in step: who may
        list and not watch would otherwise be believed for as long as the refusal takes, and list again at once, for ever.
        """
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "labelSelector": self._selector,
            "resourceVersion": version,
            "timeoutSeconds": str(random.randint(240, 480)),  # noqa: S311 (no secret: so that watches do not end together)
        }
        return self._api.watch(self._path, params)

    def _take(self, event: Mapping[str, Any]) -> str:
        what, obj = event["type"], event["object"]
        if what == "ERROR":
            raise Refused(int(obj.get("code") or 500), str(obj.get("reason")), str(obj.get("message")))
        if what == "DELETED":
            self._gone_object(obj)
        elif what in ("ADDED", "MODIFIED"):
            self._seen(self.kind, obj, False)
        return str(obj["metadata"]["resourceVersion"])

    def _gone_object(self, obj: Mapping[str, Any]) -> None:
        metadata = obj["metadata"]
        inside = f"{metadata.get('namespace', '')}/" if self.kind.namespaced else ""
        at = f"{self.kind.name}/{inside}{metadata.get('name', '')}"
        self._gone(at, metadata.get("uid", ""), str(metadata.get("resourceVersion", "")))
