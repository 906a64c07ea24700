"""Planning: what an apply would do, compared with what the watches hold.

What nobody has compared yet is compared here; the server is asked (dry run) only where the two are written differently. For an
update the fields that it changes are shown as the server would write them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters.targets.kubernetes import spelling as spelled
from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.fields import apart, owned, value_at
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.live import Live, LiveStore
from reconciler.adapters.targets.kubernetes.masks import returned, theirs
from reconciler.adapters.targets.kubernetes.sending import Asked, Sender
from reconciler.adapters.targets.kubernetes.spelling import no_right
from reconciler.converge.diffing import MAX_FIELDS, MAX_TEXT, field_changes
from reconciler.model.revisions import DesiredObject, Manner, Plan, Rendered, Step, Verb

SHOWN = 200  # updates of one plan whose fields are read from the server to be shown
HIDDEN = "(not shown)"  # values of Secrets

Fields = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Planner:
    """For one cluster."""

    api: Api
    kinds: Kinds
    live: LiveStore
    sender: Sender

    async def plan(self, rendered: Rendered, revision: str, generation: int, *, shown: bool) -> Plan:
        """Every kind of these objects is watched and in step."""
        wanted = {o.id: o for o in rendered.objects}
        await asyncio.gather(*(self._compare(wanted[o.id], o, rendered.manner) for o in self.uncompared(rendered)))
        found = self.steps(rendered, revision, generation)
        return await self._shown(found) if shown else found

    def uncompared(self, rendered: Rendered) -> list[Live]:
        """What has to be compared before steps can be told."""
        new = [o for o in self.live.restless(rendered.unit).values() if o.raw]
        wanted = {o.id for o in rendered.objects} if new else ()
        return [o for o in new if o.id in wanted]

    def steps(self, rendered: Rendered, revision: str, generation: int) -> Plan:
        """By what is held, for any thread."""
        wanted = {o.id: o.digest for o in rendered.objects}
        there, restless = self.live.digests(rendered.unit), self.live.restless(rendered.unit)
        late = sorted(i for i, digest in wanted.items() if there.get(i) != digest or i in restless)
        being_deleted = {i for i, o in restless.items() if o.deleting}
        leaving = sorted(there.keys() - wanted.keys() - being_deleted, reverse=True)
        made = (
            *(Step(Verb.UPDATE if i in there else Verb.CREATE, i) for i in late),
            *(Step(Verb.PRUNE, i) for i in leaving),
        )
        return Plan(rendered.unit, rendered.target, revision, generation, made, rendered.objects, rendered.manner)

    async def _compare(self, desired: DesiredObject, live: Live, manner: Manner) -> None:
        """An object that nobody has compared since it was listed: here, and only when in doubt by the server."""
        found = live.object()
        lost = apart(desired.spec, found)
        if live.digest != desired.digest:  # it is going to be applied, all but what is not Git's
            self.live.yields(live, theirs(manner.fields, live.id, found, lost))
            return
        yielded = theirs(manner.fields, live.id, found, lost)
        lost = tuple(path for path in lost if path not in yielded)
        if lost and not returned(found, lost):
            answer = await self._tried(Asked(desired, manner, yielded))
            if isinstance(answer, Refused):
                lost = tuple(p for p in spelled.lost(desired.spec, found) if p not in yielded) if no_right(answer) else lost
            elif _content(answer) == _content(found):
                lost = ()
        self.live.compared(live, lost, yielded)

    async def _shown(self, plan: Plan) -> Plan:
        """With what is written."""
        wanted = {o.id: o for o in plan.objects}
        updates = [wanted[s.id] for s in plan.steps if s.verb is Verb.UPDATE][:SHOWN]
        read = await asyncio.gather(*(self._fields(o, plan.manner) for o in updates))
        fields = {o.id: found for o, found in zip(updates, read, strict=True)}
        fields |= {s.id: _created(wanted[s.id]) for s in plan.steps if s.verb is Verb.CREATE}
        return replace(plan, steps=tuple(replace(s, fields=fields.get(s.id, ())) for s in plan.steps))

    async def _tried(self, asked: Asked) -> Mapping[str, Any] | Refused:
        """What the server would make of it."""
        try:
            _, answer = await self.sender.send(asked, dry=True)
        except Refused as refused:
            return refused
        return dict(answer)

    async def _fields(self, desired: DesiredObject, manner: Manner) -> Fields:
        """What an update changes, as the server would write it. What cannot be read is not shown."""
        live = self.live.get(desired.id)
        yielded = live.yielded if live else frozenset()
        kind = await self.kinds.find(str(desired.spec["apiVersion"]), str(desired.spec["kind"]))
        metadata = desired.spec["metadata"]
        if kind is None:
            return ()
        try:
            found = await self.api.get(kind.path(metadata.get("namespace", ""), metadata["name"]))
        except Refused:
            return ()
        answer = await self._tried(Asked(desired, manner, yielded))
        after = None if isinstance(answer, Refused) else answer
        wanted = after or desired.spec
        paths = {*owned(found).paths, *owned(after).paths} if after else spelled.changed(desired.spec, found)
        changed = [(p, value_at(found, p), value_at(wanted, p)) for p in sorted(set(paths) - yielded)]
        secret = desired.secret
        return tuple((p[:MAX_TEXT], shown(a, secret), shown(b, secret)) for p, a, b in changed if a != b)[:MAX_FIELDS]


def _content(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object without what every write changes."""
    metadata = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "resourceVersion", "generation")}
    return {**obj, "metadata": metadata}


def _created(desired: DesiredObject) -> Fields:
    changes = field_changes({}, desired.spec)
    return tuple((p, "", HIDDEN) for p, _, _ in changes) if desired.secret else changes


def shown(value: Any, secret: bool) -> str:
    if secret and value is not None:
        return HIDDEN
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
