"""Beside: units that Flux or Argo CD applies. Everything here only reads: this module has `get` and nothing else.

What they say is asked each time. Of the objects that they say they applied each is read and judged by our own rules; one that
was healthy is not asked again for a minute, unless they have applied meanwhile, so that looking at trouble costs requests only
for what is not healthy. Values of Secrets are never asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from reconciler.adapters.targets.kubernetes.api import JSON, Api, Refused
from reconciler.adapters.targets.kubernetes.fields import Owned
from reconciler.adapters.targets.kubernetes.keepers import METADATA
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.live import Judge, Live
from reconciler.adapters.targets.kubernetes.loosely import text
from reconciler.adapters.targets.kubernetes.others import KIND, held, standing
from reconciler.adapters.targets.kubernetes.standing import told, worth_a_look_ms
from reconciler.errors import Permanent, Retryable
from reconciler.model.appliers import AppliedBy, Phase, Standing
from reconciler.model.revisions import Health, HealthState

FINE: Final = frozenset({HealthState.HEALTHY, HealthState.SUSPENDED})
AGAIN_S: Final = 55.0  # less than the minute after which all units are asked about


class Beside:
    """Of one cluster. `seen` holds what was read last, by unit and object."""

    def __init__(self, api: Api, kinds: Kinds, judge: Judge, clock: Callable[[], float] = time.monotonic) -> None:
        self._api, self._kinds, self._judge, self._clock = api, kinds, judge, clock
        self.units: dict[str, AppliedBy] = {}
        self._held: dict[str, tuple[str, ...]] = {}
        self._version: dict[str, str] = {}  # of the applier's object, when the unit's objects were read last
        self._seen: dict[str, dict[str, tuple[float, Live]]] = {}

    def leave(self, units: Mapping[str, AppliedBy]) -> None:
        gone = [name for name, by in self.units.items() if units.get(name) != by]
        for name in gone:
            for kept in (self._held, self._version, self._seen):
                kept.pop(name, None)
        self.units = dict(units)

    def refuse(self, unit: str) -> None:
        """Before anything that would write."""
        if by := self.units.get(unit):
            raise Permanent(
                f"{by} applies unit {unit}; Homeostat writes nothing of it", next_step="remove `applier` from the unit"
            )

    def judge_by(self, judge: Judge) -> None:
        self._judge = judge
        self._seen.clear()

    async def standing(self, unit: str, by: AppliedBy) -> Standing:
        found = await self._applier(unit, by)
        return Standing(Phase.MISSING, found) if isinstance(found, str) else standing(by.kind, found)

    async def inventory(self) -> dict[str, str]:
        """What they say they applied, to the unit. One that may not be read is told as its standing, and hides no other."""
        new = [(unit, by) for unit, by in self.units.items() if unit not in self._held]
        for found in await asyncio.gather(*(self._applier(unit, by) for unit, by in new), return_exceptions=True):
            if isinstance(found, BaseException) and not isinstance(found, Refused):
                raise found
        return {i: unit for unit in self.units for i in self._held.get(unit, ())}

    async def health(self, unit: str) -> list[Health]:
        found = await self.objects(unit)
        missing = Health(self._named(unit), HealthState.MISSING, "it is not in the cluster")
        there = {o.id for o in found}
        gone = [Health(i, HealthState.MISSING, "it is not in the cluster") for i in self._held.get(unit, ()) if i not in there]
        own = [] if self._named(unit) in there else [missing]
        return [*own, *(Health(o.id, o.state, o.message) for o in sorted(found, key=lambda o: o.id)), *gone]

    async def objects(self, unit: str) -> list[Live]:
        """The applier's own object, and what it applied."""
        by = self.units[unit]
        applier = await self._applier(unit, by)
        if isinstance(applier, str):
            return []
        version = text(applier, "metadata", "resourceVersion")
        if self._version.get(unit) != version:
            self._seen.pop(unit, None)
            self._version[unit] = version
        known = self._seen.get(unit, {})
        now = self._clock()
        late = [i for i in self._held[unit] if i not in known or not _fresh(*known[i], now)]
        read = dict(zip(late, await asyncio.gather(*(self._read(unit, i) for i in late)), strict=True))
        kept = {i: seen for i, seen in known.items() if i in set(self._held[unit]) and i not in read}
        self._seen[unit] = {**kept, **{i: (now, o) for i, o in read.items() if o}}
        return [self._live(unit, self._named(unit), applier), *(o for _, o in self._seen[unit].values())]

    async def troubled(self, units: Collection[str]) -> list[Live]:
        """What cannot be read raises Retryable: nothing is not the same as nothing wrong."""
        try:
            return [o for unit in sorted(units) for o in await self.objects(unit)]
        except Refused as refused:
            raise Retryable(f"what others applied cannot be read: {refused}") from refused

    def _named(self, unit: str) -> str:
        by = self.units[unit]
        return f"{KIND[by.kind]}/{by.namespace}/{by.name}"

    async def _applier(self, unit: str, by: AppliedBy) -> dict[str, Any] | str:
        """The other applier's object, or why there is none."""
        kind = await self._kinds.find_named(KIND[by.kind])
        if kind is None:
            self._held[unit] = ()
            return f"the cluster serves no {KIND[by.kind]}"
        try:
            found = dict(await self._api.get(kind.path(by.namespace, by.name)))
        except Refused as refused:
            if refused.status != 404:
                raise
            self._held[unit] = ()
            return "the cluster has none of that name"
        self._held[unit] = held(by.kind, found)
        return found

    async def _read(self, unit: str, object_id: str) -> Live | None:
        """None when it is gone, or of a kind that is not served."""
        name, *inside, called = object_id.split("/")
        kind = await self._kinds.find_named(name)
        if kind is None:
            return None
        accept = METADATA if name == "Secret" else JSON
        try:
            found = dict(await self._api.get(kind.path("".join(inside), called), accept=accept))
        except Refused as refused:
            if refused.status != 404:
                raise
            return None
        return self._live(unit, object_id, {**found, "apiVersion": kind.api_version, "kind": kind.kind})

    def _live(self, unit: str, object_id: str, obj: Mapping[str, Any]) -> Live:
        name = object_id.partition("/")[0]
        state, message = self._judge(obj)
        return Live(
            object_id, unit, "", text(obj, "metadata", "uid"), text(obj, "metadata", "resourceVersion"), Owned(), state, message,
            deleting="-" if text(obj, "metadata", "deletionTimestamp") else "",
            told=told(name, obj), look_ms=worth_a_look_ms(name, obj),
        )  # fmt: skip


def _fresh(read_s: float, live: Live, now_s: float) -> bool:
    return live.state in FINE and now_s < read_s + AGAIN_S
