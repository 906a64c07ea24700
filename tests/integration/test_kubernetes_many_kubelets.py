"""A cluster with more nodes than a process may have files, and kubelets that do not answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.adapters.targets.kubernetes import volumes
from reconciler.adapters.targets.kubernetes.api import Api
from reconciler.adapters.targets.kubernetes.asking import Answer, Asking
from reconciler.adapters.targets.kubernetes.live import Live
from reconciler.adapters.targets.kubernetes.volumes import Volumes
from reconciler.documents.installation_parts import VolumeSettings

NODES = 12


class Silent:
    """Accepts, and says nothing."""

    def __init__(self) -> None:
        self.open = self.most = self.all = 0
        self.asked: list[str] = []

    async def holds(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.all, self.open = self.all + 1, self.open + 1
        self.most = max(self.most, self.open)
        await reader.read()
        self.open -= 1
        writer.close()


class Cluster:
    """Its API server's answers: a pod with a claim on each node."""

    def __init__(self, port: int, kubelets: Silent) -> None:
        self.port, self.kubelets = port, kubelets

    async def all(self, *_: str) -> Answer:
        mounted = [{"persistentVolumeClaim": {"claimName": "data"}}]
        return Answer([{"spec": {"nodeName": f"n{n}", "volumes": mounted}} for n in range(NODES)])

    async def node(self, name: str) -> Answer:
        self.kubelets.asked.append(name)
        addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
        return Answer([{"status": {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}}}}])


async def nothing() -> dict[str, str]:
    return {}


def look(kubelets: Silent, times: int) -> None:
    claim: Any = SimpleNamespace(id="PersistentVolumeClaim/shop/data")

    async def whole() -> None:
        async with await asyncio.start_server(kubelets.holds, "127.0.0.1", 0) as server:
            api: Any = SimpleNamespace(access=SimpleNamespace(tls=None), auth=nothing)
            asked = Volumes(cast("Api", api), VolumeSettings())
            cluster = cast("Asking", Cluster(server.sockets[0].getsockname()[1], kubelets))
            for turn in range(times):
                assert await asked.of([cast("Live", claim)], cluster, 10**9 + turn * 1_000) == []

    asyncio.run(whole())


def test_only_so_many_kubelets_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "AT_ONCE", 3)
    monkeypatch.setattr(volumes, "TIMEOUT_S", 0.1)
    kubelets = Silent()
    look(kubelets, 1)
    assert kubelets.all == NODES
    assert kubelets.most <= 6  # those before may not have been heard to hang up yet


def test_kubelets_that_say_nothing_hold_a_look_up_for_so_long_only_and_the_next_one_asks_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(volumes, "AT_ONCE", 4)
    monkeypatch.setattr(volumes, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(volumes, "PATIENCE_S", 0.1)
    kubelets = Silent()
    look(kubelets, 3)
    assert kubelets.asked == sorted(f"n{n}" for n in range(NODES))
