"""Lease: of several processes that could converge one cluster, one does.

The API server knows no fencing token, so a lease alone proves nothing about requests that are already on their way. What it
gives: whoever has not renewed it in time stops by itself before its next request (its own clock counts, also while the process
was stopped), and only then takes somebody else over. What is left is the one request that each connection had in flight; the
record's generation catches what comes after it (docs/guide/clusters.md).

A holder that is seen with the same renewal for a whole duration, by our own clock, is gone. Clocks are never compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from datetime import UTC, datetime
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.adapters.targets.kubernetes.gate import Rank
from reconciler.adapters.targets.kubernetes.record import Records
from reconciler.errors import Elsewhere, HomeostatError, Retryable

DURATION_S = 15.0
RENEW_S = 5.0
SURE_S = 10.0  # since the last renewal was sent: after that we stop, five seconds before anybody takes over


class Lease:
    """One cluster's, on one event loop. Taken when it is first needed, renewed until `release`."""

    def __init__(self, api: Api, namespace: str, owner: str, records: Records) -> None:
        self.identity = f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(4)}"
        self._api, self._name, self._records = api, f"homeostat-{owner}", records
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._until = 0.0
        self._seen: tuple[str, str] = ("", "")  # holder and renewal of somebody else
        self._seen_at = 0.0
        self._taking = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        return asyncio.get_running_loop().time() < self._until

    def require(self) -> None:
        """Before every request that changes something."""
        if not self.held:
            raise Retryable("the lease of the cluster was not renewed in time; another process may have it", after_ms=5_000)

    async def take(self) -> None:
        """Held after this, or Retryable and nothing is to be done."""
        async with self._taking:
            if self.held:
                return
            await self._renew()
            self._records.forget()  # whoever had it before has written
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._keep(), name="lease")

    async def release(self) -> None:
        """Free for the next one at once."""
        if self._renewing is None:
            return
        self._renewing.cancel()
        await asyncio.gather(self._renewing, return_exceptions=True)
        if self.held:
            self._until = 0.0
            with contextlib.suppress(HomeostatError):  # it ends by itself
                found = await self._get()
                if found and found["spec"].get("holderIdentity") == self.identity:
                    await self._write(found, "")

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with contextlib.suppress(HomeostatError):  # `held` says when it was too often
                await self._renew()

    async def _renew(self) -> None:
        now = asyncio.get_running_loop().time()
        found = await self._get()
        if found is not None and (holder := self._other(found, now)):
            raise Elsewhere(f"the cluster is converged by {holder}", after_ms=5_000)
        await self._write(found, self.identity)
        self._until = now + SURE_S

    def _other(self, found: Any, now: float) -> str:
        """Who has it, unless that is us, nobody, or somebody who is gone."""
        spec = found.get("spec") or {}
        holder, renewed = str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or "")
        if holder in ("", self.identity):
            return ""
        if (holder, renewed) != self._seen:
            self._seen, self._seen_at = (holder, renewed), now
        return holder if now < self._seen_at + DURATION_S else ""

    async def _get(self) -> Any:
        try:
            return await self._api.get(f"{self._path}/{self._name}", rank=Rank.URGENT)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    async def _write(self, found: Any, holder: str) -> None:
        """Over exactly what was read."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before = (found or {}).get("spec") or {}
        changed = holder != before.get("holderIdentity")
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": int(DURATION_S),
            "renewTime": now,
            "acquireTime": now if changed else before.get("acquireTime", now),
            "leaseTransitions": int(before.get("leaseTransitions", 0)) + (1 if changed else 0),
        }
        metadata = {"name": self._name, **({"resourceVersion": found["metadata"]["resourceVersion"]} if found else {})}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        method, path = ("PUT", f"{self._path}/{self._name}") if found else ("POST", self._path)
        try:
            await self._api.send(Request(method, path, {}, json.dumps(body).encode()), Rank.URGENT)
        except Refused as refused:
            if refused.status == 409:
                raise Elsewhere("another process takes the lease of the cluster", after_ms=5_000) from refused
            if refused.status != 404 or found:
                raise
            await self._records.make_namespace()
            await self._write(found, holder)
