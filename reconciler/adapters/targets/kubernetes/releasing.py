"""Releasing: objects are no longer ours and stay exactly as they are.

Our labels and our digest go, and so does our entry in `managedFields`: the fields keep their values and belong to nobody until
somebody writes them. (An apply of nothing would take the fields out.) Written over exactly the version that was read. An object
that nobody else wrote is then one that was never applied: the server calls its fields `before-first-apply`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.targets.kubernetes.acted import MERGE
from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.adapters.targets.kubernetes.fields import MANAGER
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.live import DIGEST, OWNER, UNIT, object_id
from reconciler.adapters.targets.kubernetes.record import Records
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.errors import HomeostatError, Permanent

RELEASER = "homeostat-orphan"
TRIES = 5
PAGE = "500"


@dataclasses.dataclass(frozen=True)
class Releaser:
    """On one cluster, as one owner."""

    api: Api
    kinds: Kinds
    settings: KubernetesSettings

    async def of_unit(self, unit: str) -> tuple[str, ...]:
        """Every object that carries the unit's label, of whatever kind."""
        found = await asyncio.gather(*(self._labelled(kind, unit) for kind in self.kinds.all()))
        return tuple(sorted(i for ids in found for i in ids))

    async def unit_of(self, object_id: str) -> str:
        """Whose an object is."""
        labels = (await self._get(await self._path(object_id)))["metadata"].get("labels") or {}
        if labels.get(OWNER) != self.settings.owner:
            raise Permanent(f"{object_id} is not managed by Homeostat ({OWNER}={self.settings.owner})")
        return str(labels.get(UNIT, ""))

    async def release(self, unit: str, ids: tuple[str, ...], *, dry: bool) -> Mapping[str, str]:
        """Why not, of those that were not released."""
        told = await asyncio.gather(*(self._one(unit, i, dry=dry) for i in ids))
        return {i: why for i, why in zip(ids, told, strict=True) if why}

    async def forget(self, unit: str, ids: tuple[str, ...], *, whole: bool) -> None:
        """The unit's record without these; without any it goes, when the whole unit went."""
        records = Records(self.api, self.settings.namespace, self.settings.owner)
        for _ in range(TRIES):
            held = await records.again(unit)
            left = {i: d for i, d in held.objects.items() if i not in ids}
            if not held.version or (left == held.objects and not whole):
                return
            if whole:
                await records.drop(held)
                return
            if await records.write(held, dataclasses.replace(held, objects=left)):
                return
        raise Permanent(f"somebody writes the record of unit {unit} all the time", next_step="try it again")

    async def _labelled(self, kind: Any, unit: str) -> list[str]:
        params: dict[str, Any] = {"labelSelector": f"{OWNER}={self.settings.owner},{UNIT}={unit}", "limit": PAGE}
        found: list[str] = []
        while True:
            page = await self.api.get(kind.path(), **params)
            found += [object_id(kind, item) for item in page.get("items") or ()]
            if not (more := page["metadata"].get("continue")):
                return found
            params["continue"] = more

    async def _one(self, unit: str, at: str, *, dry: bool) -> str:
        try:
            path = await self._path(at)
            for _ in range(TRIES):
                live = await self._get(path)
                labels = live["metadata"].get("labels") or {}
                if (labels.get(OWNER), labels.get(UNIT)) != (self.settings.owner, unit):
                    return f"it is not unit {unit}'s any more"
                if await self._patched(path, live, dry=dry):
                    return ""
        except HomeostatError as error:
            return str(error)
        return "somebody writes it all the time"

    async def _patched(self, path: str, live: Mapping[str, Any], *, dry: bool) -> bool:
        """False when it has changed since it was read."""
        others = [f for f in live["metadata"].get("managedFields") or () if f.get("manager") != MANAGER]
        metadata = {
            "resourceVersion": live["metadata"]["resourceVersion"],
            "labels": {OWNER: None, UNIT: None},
            "annotations": {DIGEST: None},
            "managedFields": others or [{}],  # an empty list would say nothing; one empty entry says nobody
        }
        params = {"fieldManager": RELEASER, **({"dryRun": "All"} if dry else {})}
        try:
            await self.api.send(Request("PATCH", path, params, json.dumps({"metadata": metadata}).encode(), MERGE))
        except Refused as refused:
            if refused.status != 409:
                raise
            return False
        return True

    async def _path(self, at: str) -> str:
        kind = await self.kinds.find_named(at.split("/", 1)[0])
        *inside, name = at.split("/")[1:]
        if kind is None or bool(inside) != kind.namespaced:
            raise Permanent(f"the cluster knows no {at}", next_step="write it as plans do: Deployment.apps/shop/web")
        return kind.path("".join(inside), name)

    async def _get(self, path: str) -> Any:
        return await self.api.get(path)
