"""Who is told that a watch is in step, nobody before the server has opened it; and where one goes on that has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from reconciler.adapters.targets.kubernetes import watching
from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.watching import Watch
from reconciler.errors import Retryable

KIND = Kind("", "v1", "ConfigMap", "configmaps", True)


class Listing:
    """An API server at which this account may list, and may watch once `opened`."""

    def __init__(self) -> None:
        self.opened = False
        self.lists = 0
        self.silent = asyncio.Event()
        self.followed: list[str] = []
        self.ends: list[str] = []

    async def get(self, path: str, **_: Any) -> dict[str, Any]:
        self.lists += 1
        return {"items": [], "metadata": {"resourceVersion": str(self.lists)}}

    @asynccontextmanager
    async def watch(self, path: str, params: dict[str, str]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        await asyncio.sleep(0)  # the answer is on its way: who waits for the watch has its turn
        if not self.opened:
            raise Refused(403, "Forbidden", 'cannot watch resource "configmaps"')
        self.followed.append(params["resourceVersion"])
        yield self._events()

    async def _events(self) -> AsyncIterator[dict[str, Any]]:
        """Its versions are far ahead; then the end the test wants: orderly or broken behind a bookmark, at once, or none."""
        if not self.ends:
            self.silent.set()
            await asyncio.Event().wait()
        if self.ends[0] in ("at once", "too old"):
            if self.ends.pop(0) == "too old":
                raise Refused(410, "Expired", "too old resource version")
            return
        yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "900"}}}
        if self.ends.pop(0) == "broken":
            raise Retryable("the connection broke")


def watch(server: Listing) -> Watch:
    return Watch(cast("Api", server), KIND, "", "a=b", lambda *_: "", lambda *_: None, frozenset)


def test_who_may_list_but_not_watch_is_told_so_and_never_that_all_is_known() -> None:
    async def first() -> None:
        denied = watch(Listing())
        with pytest.raises(Retryable, match='cannot watch resource "configmaps"'):
            await denied.synced(5)
        assert denied.denied
        await denied.stop()

    asyncio.run(first())


def test_a_refused_watch_lists_again_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    server = Listing()

    async def slept(seconds: float, real: Any = asyncio.sleep) -> None:
        if seconds:
            pauses.append(seconds)
            server.opened = len(pauses) == 8
        await real(0)

    async def refused() -> None:
        monkeypatch.setattr(watching.asyncio, "sleep", slept)
        monkeypatch.setattr(watching.random, "uniform", lambda low, high: high)
        allowed = watch(server)
        with pytest.raises(Retryable):
            await allowed.synced(5)
        await server.silent.wait()
        assert allowed.in_step
        await allowed.stop()

    asyncio.run(refused())
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6]
    assert server.lists == 9


@pytest.mark.parametrize(("end", "followed"), [("orderly", ["1", "900"]), ("broken", ["1", "2"])])
def test_only_a_watch_that_ended_in_order_goes_on_where_it_was(end: str, followed: list[str]) -> None:
    """After a broken one the cluster may be one that was restored: it would never say what it has forgotten."""
    server = Listing()
    server.opened, server.ends = True, [end]

    async def ended() -> None:
        again = watch(server)
        await server.silent.wait()
        await again.stop()

    asyncio.run(ended())
    assert server.followed == followed


def pauses_of(server: Listing, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it waited each time, until a watch goes on that says nothing."""
    pauses: list[float] = []

    async def slept(seconds: float, real: Any = asyncio.sleep) -> None:
        pauses.extend([seconds] if seconds else [])
        await real(0)

    async def ended() -> None:
        monkeypatch.setattr(watching.asyncio, "sleep", slept)
        monkeypatch.setattr(watching.random, "uniform", lambda low, high: high)
        again = watch(server)
        await server.silent.wait()
        assert again.in_step
        await again.stop()

    asyncio.run(ended())
    return pauses


@pytest.mark.parametrize(("end", "waited"), [("at once", [0.2, 0.4, 0.8, 1.6]), ("too old", [0.4, 0.8, 1.6])])
def test_a_watch_that_never_works_is_asked_for_ever_more_seldom(
    end: str, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server, or a proxy before it, that says yes and hangs up is not asked hundreds of times a second."""
    server = Listing()
    server.opened, server.ends = True, [end] * 4
    assert pauses_of(server, monkeypatch) == waited
    assert server.followed == ["1", "2", "3", "4", "5"]


def test_a_watch_that_worked_is_reason_to_hurry_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Listing()
    server.opened, server.ends = True, ["at once", "at once", "broken", "at once"]
    assert pauses_of(server, monkeypatch) == [0.2, 0.4, 0.2, 0.4]
