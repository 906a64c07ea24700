"""ActRecord: which one-shot acts were begun and done on this cluster, kept in one ConfigMap there.

An act is claimed here before anything happens: of two processes that want the same id, the server lets one write it. An entry
without an end means that nobody knows; it is never begun again. The oldest are forgotten; the signed log still knows them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.adapters.targets.kubernetes.masks import OPERATIONS
from reconciler.adapters.targets.kubernetes.record import Records
from reconciler.errors import Permanent, Retryable
from reconciler.ports.target import Act

MOST = 500
TRIES = 10
MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act as the cluster remembers it."""

    unit: str
    action: str
    component: str
    at: str
    attempt: str
    done: bool
    detail: str
    of: int = 0  # of an act that takes its time: how much there was to do when it began, 0 while that is not known

    @property
    def begun(self) -> datetime:
        return datetime.fromisoformat(self.at).astimezone(UTC)

    def is_of(self, act: Act) -> bool:
        return (self.unit, self.action, self.component) == (act.unit, act.action, act.component)


class ActRecord:
    """Of one owner on one cluster."""

    def __init__(self, api: Api, namespace: str, owner: str, records: Records) -> None:
        self._api, self._records = api, records
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._name = f"homeostat-operations-{owner}"

    async def find(self, act_id: str) -> Entry | None:
        found = (await self._read()).get("data") or {}
        return _entry(act_id, found[act_id]) if act_id in found else None

    async def claim(self, act: Act) -> tuple[Entry, bool]:
        """The entry under this id afterwards, and whether it is ours."""
        mine = Entry(act.unit, act.action, act.component, _now(), secrets.token_hex(8), done=False, detail="begun")
        for _ in range(TRIES):
            found = await self._read()
            held = found.get("data") or {}
            if act.id in held:
                entry = _entry(act.id, held[act.id])
                return entry, entry.attempt == mine.attempt  # ours when only the answer to our own write was lost
            if await self._begin(found, {**_oldest(held), act.id: _text(mine)}):
                return mine, True
        raise Retryable(f"the record of Operations on {self._api.access.url} is written by too many at once")

    async def tell(self, act: Act, entry: Entry, detail: str, *, done: bool = False, of: int = 0) -> None:
        """How far it is, or with `done` what it did."""
        after = replace(entry, done=done, detail=detail[:500], of=of)
        await self._merge({"data": {act.id: _text(after)}})

    async def release(self, act: Act) -> None:
        """It was refused and nothing was done: the id is free."""
        await self._merge({"data": {act.id: None}})

    async def _read(self) -> Any:
        try:
            return await self._api.get(f"{self._path}/{self._name}")
        except Refused as refused:
            if refused.status != 404:
                raise
            return {}

    async def _begin(self, found: Any, data: Mapping[str, str | None]) -> bool:
        """Whether it was written over exactly what was read."""
        try:
            if found:
                await self._merge({"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "data": data})
            else:
                await self._create(data)
        except Refused as refused:
            if refused.status != 409:
                raise
            return False
        return True

    async def _create(self, data: Mapping[str, Any]) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self._name}, "data": data}
        request = Request("POST", self._path, {"fieldManager": OPERATIONS}, json.dumps(body).encode())
        try:
            await self._api.send(request)
        except Refused as refused:
            if refused.status != 404:
                raise
            await self._records.make_namespace()
            await self._api.send(request)

    async def _merge(self, body: Mapping[str, Any]) -> None:
        path = f"{self._path}/{self._name}"
        await self._api.send(Request("PATCH", path, {"fieldManager": OPERATIONS}, json.dumps(body).encode(), MERGE))


def _oldest(held: Mapping[str, str]) -> dict[str, str | None]:
    """What has to be forgotten to make room for one: of what is done before anything that may still be under way."""
    if len(held) < MOST:
        return {}
    entries = {act_id: _entry(act_id, text) for act_id, text in held.items()}
    by_age = sorted(entries, key=lambda i: (not entries[i].done, entries[i].at))
    return dict.fromkeys(by_age[: len(held) - MOST + 1])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(entry: Entry) -> str:
    """A release that knows nothing of `of` reads every entry that needs none."""
    return json.dumps({name: value for name, value in asdict(entry).items() if name != "of" or value})


def _entry(act_id: str, text: str) -> Entry:
    try:
        entry = Entry(**json.loads(text))
        datetime.fromisoformat(entry.at)
    except (ValueError, TypeError) as error:
        raise Permanent(
            f"the cluster's record of Operation {act_id} cannot be read, so nobody knows whether it was done: {error}",
            next_step="somebody has changed the ConfigMap homeostat-operations-OWNER; look at what was done, then remove the key",
        ) from error
    return entry
