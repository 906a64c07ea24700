"""Record: what one unit was asked to be, kept in the cluster: generation, revision, and every object's digest.

One ConfigMap a unit. It is the fence (an older plan never lands on a newer one; two holders cannot both win: each write
names the version it replaces) and, with the labels on the objects, the inventory: whoever lost everything local reads it back.
Values: the objects as compressed lines `id digest`, `-` for one that could not be applied.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.targets.kubernetes import jsons
from reconciler.adapters.targets.kubernetes.api import APPLY, Api, Refused, Request
from reconciler.adapters.targets.kubernetes.fields import MANAGER
from reconciler.adapters.targets.kubernetes.gate import Rank
from reconciler.adapters.targets.kubernetes.live import UNIT
from reconciler.errors import Permanent

RECORD = "homeostat.dev/record"
MAX_RECORD = 900_000
FAILED = "-"


@dataclass(frozen=True, slots=True)
class UnitRecord:
    unit: str
    generation: int = 0
    revision: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)  # id -> digest
    version: str = ""  # of the ConfigMap; "" when there is none
    packed: str = field(default="", repr=False, compare=False)  # the objects as they are kept

    def stale(self, generation: int, revision: str) -> bool:
        return generation < self.generation or (generation == self.generation and revision != self.revision)


class Records:
    """Reads and writes them; keeps what was read last."""

    def __init__(self, api: Api, namespace: str, owner: str) -> None:
        self._api, self._namespace, self._owner = api, namespace, owner
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._known: dict[str, UnitRecord] | None = None
        self._broken: dict[str, Permanent] = {}

    async def all(self) -> Mapping[str, UnitRecord]:
        if self._known is None:
            params = {"labelSelector": f"{RECORD}={self._owner}", "limit": "500"}
            found: dict[str, UnitRecord] = {}
            self._broken = {}
            while True:
                page = await self._api.get(self._path, rank=Rank.URGENT, **params)
                for item in page.get("items") or ():
                    self._take(found, item)
                if not (more := page["metadata"].get("continue")):
                    break
                params["continue"] = more
            self._known = found
        return self._known

    def _take(self, found: dict[str, UnitRecord], item: Mapping[str, Any]) -> None:
        """A record that cannot be read stops its own unit alone."""
        try:
            record = _read(item)
        except Permanent as error:
            self._broken[str((item["metadata"].get("labels") or {}).get(UNIT, ""))] = error
        else:
            found[record.unit] = record

    def known(self, unit: str) -> UnitRecord | None:
        """None while it would have to be read; for any thread."""
        known = self._known
        return (known.get(unit) or UnitRecord(unit)) if known is not None and unit not in self._broken else None

    async def get(self, unit: str) -> UnitRecord:
        """Permanent when somebody made it unreadable; read again each time, so that repairing it is enough."""
        await self.all()
        if unit in self._broken:
            self._known = None
            await self.all()
            if error := self._broken.get(unit):
                raise error
        return (await self.all()).get(unit) or UnitRecord(unit)

    async def again(self, unit: str) -> UnitRecord:
        """Read anew: somebody else has written."""
        try:
            found = _read(await self._api.get(f"{self._path}/{_name(unit)}", rank=Rank.URGENT))
        except Refused as refused:
            if refused.status != 404:
                raise
            found = UnitRecord(unit)
        return self._keep(found)

    async def write(self, before: UnitRecord, after: UnitRecord) -> UnitRecord | None:
        """None when somebody else wrote since `before` was read."""
        packed = before.packed if before.packed and after.objects == before.objects else _packed(after)
        metadata: dict[str, Any] = {
            "name": _name(after.unit),
            "labels": {RECORD: self._owner, UNIT: after.unit},
        }
        if before.version:
            metadata["resourceVersion"] = before.version
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"unit": after.unit, "generation": str(after.generation), "revision": after.revision},
            "binaryData": {"objects": packed},
        }
        method, path = ("PUT", f"{self._path}/{_name(after.unit)}") if before.version else ("POST", self._path)
        try:
            answer = await self._api.send(Request(method, path, {"fieldManager": MANAGER}, jsons.write(body)), Rank.URGENT)
        except Refused as refused:
            if refused.status == 409 or (refused.status == 404 and before.version):
                return None
            if refused.status == 404:
                await self.make_namespace()
                return await self.write(before, after)
            raise
        same = before.objects if packed == before.packed else after.objects
        return self._keep(_read(answer, packed, same))

    async def drop(self, held: UnitRecord) -> None:
        """Exactly the one that was read."""
        options = {"preconditions": {"resourceVersion": held.version}}
        path = f"{self._path}/{_name(held.unit)}"
        await self._api.send(Request("DELETE", path, body=json.dumps(options).encode()), Rank.URGENT)

    def _keep(self, found: UnitRecord) -> UnitRecord:
        if self._known is not None:
            self._known[found.unit] = found
        return found

    def forget(self) -> None:
        """Somebody else may have written meanwhile."""
        self._known = None

    async def make_namespace(self) -> None:
        """Where records and the lease are kept."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace}}
        params = {"fieldManager": MANAGER, "force": "true"}
        path = f"/api/v1/namespaces/{self._namespace}"
        await self._api.send(Request("PATCH", path, params, json.dumps(body).encode(), APPLY), Rank.URGENT)


def _name(unit: str) -> str:
    return f"homeostat-unit-{unit}"


def _packed(record: UnitRecord) -> str:
    raw = "\n".join(f"{i} {d}" for i, d in sorted(record.objects.items()))
    packed = base64.b64encode(zlib.compress(raw.encode(), 6)).decode()
    if len(packed) > MAX_RECORD:
        raise Permanent(
            f"unit {record.unit} has too many objects for one record ({len(record.objects)})", next_step="split the unit"
        )
    return packed


def _read(obj: Mapping[str, Any], written: str = "", objects: Mapping[str, str] | None = None) -> UnitRecord:
    """What was `written` of these objects is not taken apart again."""
    data, metadata = obj.get("data") or {}, obj["metadata"]
    packed = (obj.get("binaryData") or {}).get("objects", "") or _EMPTY
    try:
        held = objects if objects is not None and packed == written else _unpacked(packed)
        return UnitRecord(data["unit"], int(data["generation"]), data["revision"], held, metadata["resourceVersion"], packed)
    except (KeyError, ValueError, zlib.error) as error:
        raise Permanent(
            f"ConfigMap {metadata.get('namespace')}/{metadata.get('name')} is no record of a unit: {error}",
            next_step="somebody has changed it; delete it to have the unit taken in again from its labels",
        ) from error


def _unpacked(packed: str) -> dict[str, str]:
    raw = zlib.decompress(base64.b64decode(packed)).decode()
    return dict(line.split(" ", 1) for line in raw.splitlines())


_EMPTY = base64.b64encode(zlib.compress(b"")).decode()
