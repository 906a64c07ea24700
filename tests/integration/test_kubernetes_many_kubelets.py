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
        self.open = self.most = self.all = self.port = 0

    async def holds(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.all, self.open = self.all + 1, self.open + 1
        self.most = max(self.most, self.open)
        await reader.read()
        self.open -= 1
        writer.close()


class Cluster:
    """Its API server's answers: a pod with a claim on each node."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def all(self, *_: str) -> Answer:
        mounted = [{"persistentVolumeClaim": {"claimName": "data"}}]
        return Answer([{"spec": {"nodeName": f"n{n}", "volumes": mounted}} for n in range(NODES)])

    async def node(self, _: str) -> Answer:
        addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
        return Answer([{"status": {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}}}}])


async def nothing() -> dict[str, str]:
    return {}


def test_only_so_many_kubelets_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "AT_ONCE", 3)
    monkeypatch.setattr(volumes, "TIMEOUT_S", 0.1)
    kubelets = Silent()
    claim: Any = SimpleNamespace(id="PersistentVolumeClaim/shop/data")

    async def whole() -> None:
        async with await asyncio.start_server(kubelets.holds, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            api: Any = SimpleNamespace(access=SimpleNamespace(tls=None), auth=nothing)
            asked = Volumes(cast("Api", api), VolumeSettings())
            assert await asked.of([cast("Live", claim)], cast("Asking", Cluster(port)), 10**9) == []

    asyncio.run(whole())
    assert kubelets.all == NODES
    assert kubelets.most <= 6  # those before may not have been heard to hang up yet
