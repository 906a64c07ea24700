"""Sending: one object to the server by server-side apply, and what a conflict over its fields means.

What is sent is the manifest with our labels and the digest it is, without the fields that are somebody else's. Conflicts are
won unless the object is not ours yet or a rule of the unit says that a field must not be taken; a field that a rule gives to
who writes it is left out. What Flux or Argo CD applies is never sent (`keepers`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from reconciler.adapters.targets.kubernetes import jsons
from reconciler.adapters.targets.kubernetes.api import APPLY, Api, Refused, Request
from reconciler.adapters.targets.kubernetes.fields import MANAGER, pointer, without
from reconciler.adapters.targets.kubernetes.keepers import KEPT, Keepers
from reconciler.adapters.targets.kubernetes.kinds import Kind, Kinds
from reconciler.adapters.targets.kubernetes.lease import Lease
from reconciler.adapters.targets.kubernetes.live import DIGEST, OWNER, UNIT, LiveStore
from reconciler.adapters.targets.kubernetes.masks import contested, left_out, owner
from reconciler.model.revisions import DesiredObject, FieldRule, Manner, Owner


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One object to be applied. `ours`: it carries our label, or the unit takes over what it finds. `recorded`: our record
    names it, which it does from before the first try; it is ours when the server, too, says that we have applied it.
    """

    desired: DesiredObject
    manner: Manner
    yielded: frozenset[str] = frozenset()
    ours: bool = True
    recorded: bool = False


@dataclasses.dataclass(frozen=True)
class Sender:
    """To one cluster, as one owner."""

    api: Api
    kinds: Kinds
    owner: str
    lease: Lease
    keepers: Keepers
    live: LiveStore

    async def send(self, asked: Asked, *, dry: bool = False) -> tuple[Kind, Any]:
        """The kind, and the object as the server has it then."""
        manifest, rules = asked.desired.spec, asked.manner.fields
        kind = await self.kinds.find(str(manifest["apiVersion"]), str(manifest["kind"]))
        if kind is None:
            raise Refused(404, "UnknownKind", self.kinds.served(str(manifest["apiVersion"]), str(manifest["kind"])))
        if kind.namespaced != (asked.desired.id.count("/") == 2):
            where = "in a namespace" if kind.namespaced else "in no namespace"
            told = f"{kind.name} lives {where}, and this manifest says otherwise"
            raise Refused(400, "Scope", f"{told}: give or remove metadata.namespace, or name the kind in adjust.clusterScoped")
        path = kind.path(manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"])
        held = self.live.get(asked.desired.id)
        marks = held.keeper if held else None
        if why := await self.keepers.refusal(asked.desired.id, path, marks, held=held is not None):
            raise Refused(409, KEPT, why)
        left = asked.yielded | left_out(rules, asked.desired.id)

        async def patch(given: frozenset[str] = frozenset(), *, force: bool) -> Any:
            if not dry:
                self.lease.require()
            params = {"fieldManager": MANAGER, "force": str(force).lower(), **({"dryRun": "All"} if dry else {})}
            sent = _body(asked.desired, self.owner, left | given)
            return await self.api.send(Request("PATCH", path, params, sent, APPLY, asked.manner.user))

        if asked.ours and not contested(rules, asked.desired.id):
            return kind, await patch(force=True)
        try:
            return kind, await patch(force=False)
        except Refused as refused:
            if refused.status != 409:
                raise
            whose = _whose(rules, asked.desired.id, refused)
            mine = asked.ours or (asked.recorded and await self._applied(path))
            if Owner.REFUSE in whose.values() or not (mine or set(whose.values()) == {Owner.THEIRS}):
                raise
        given = frozenset(field for field, whom in whose.items() if whom is Owner.THEIRS)
        return kind, await patch(given, force=mine)

    async def _applied(self, path: str) -> bool:
        """Whether we have applied this object before, by the server's word: somebody may have taken our label from it."""
        try:
            written = (await self.api.get(path))["metadata"].get("managedFields", ())
        except Refused:
            return False
        return any(entry.get("manager") == MANAGER and entry.get("operation") == "Apply" for entry in written)


def _body(desired: DesiredObject, owner: str, yielded: frozenset[str]) -> bytes:
    manifest = desired.spec
    metadata = manifest["metadata"]
    marked = {
        **metadata,
        "labels": {**(metadata.get("labels") or {}), OWNER: owner, UNIT: desired.unit},
        "annotations": {**(metadata.get("annotations") or {}), DIGEST: desired.digest},
    }
    sent = {**manifest, "metadata": marked}
    return jsons.write(without(sent, sorted(yielded)) if yielded else sent)


def _whose(rules: Sequence[FieldRule], object_id: str, refused: Refused) -> dict[str, Owner]:
    """Each field of a conflict, and whose it is while who writes it now does. A conflict's causes say
    `conflict with "manager" using v1` for each field.
    """
    found = ((pointer(field), told.partition('"')[2].partition('"')[0]) for field, told in refused.causes)
    return {path: owner(rules, object_id, path, ((manager, ""),)) for path, manager in found}


def words(refused: Refused, *, secret: bool = False) -> str:
    """The server's sentence, and for a conflict or an invalid field which one. Of a secret object no sentence: servers and
    webhooks quote values.
    """
    if secret and refused.status != 403 and refused.reason != KEPT:
        named = ", ".join(pointer(field) for field, _ in refused.causes[:10] if field)
        return f"{refused.reason or refused.status}" + (f" at {named}" if named else "") + "; its words may hold the value"
    if refused.status == 409 and refused.causes:
        told = "; ".join(f"{pointer(field)}: {told}" for field, told in refused.causes[:10])
        return (
            f"others write these fields: {told}. Take the object over with apply.adopt, or say whose a field is in apply.fields"
        )
    named = "; ".join(f"{field}: {told}" if field else told for field, told in refused.causes[:10])
    return f"{refused.told} ({named})" if named and named not in refused.told else refused.told or str(refused)
