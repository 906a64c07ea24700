"""Differing: what is apart between desired and live objects, who wrote it and when, by `managedFields`. Only reads.

Nothing is tried (`spelling` says why that is enough), so no right to write is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.fields import MANAGER, owners, value_at, writers
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.live import Live
from reconciler.adapters.targets.kubernetes.loosely import items, when
from reconciler.adapters.targets.kubernetes.masks import SCALE, ZERO, owner
from reconciler.adapters.targets.kubernetes.planning import shown
from reconciler.adapters.targets.kubernetes.spelling import lost
from reconciler.health.facts import said
from reconciler.model.differences import Difference, FieldDifference, Whose
from reconciler.model.revisions import DesiredObject, FieldRule, Owner, Rendered

LOOKED = 500  # objects of a unit that are read again to be compared


async def differences(
    api: Api, kinds: Kinds, rendered: Rendered, live: Mapping[str, Live], hide: Callable[[str], str]
) -> Sequence[Difference]:
    """Of objects that were applied as they are desired now: what Git has changed since is work, and no drift."""
    same = [o for o in rendered.objects if o.id in live and live[o.id].digest == o.digest and not live[o.id].deleting]
    odd = [o for o in same if not live[o.id].settled or live[o.id].yielded]
    rules = rendered.manner.fields
    found = await asyncio.gather(*(_one(api, kinds, o, live[o.id], rules, hide) for o in odd[:LOOKED]))
    return [d for d in found if d.fields or d.note]


async def _one(
    api: Api, kinds: Kinds, desired: DesiredObject, live: Live, rules: Sequence[FieldRule], hide: Callable[[str], str]
) -> Difference:
    try:
        found = live.object() if live.raw else await _read(api, kinds, desired)
    except Refused as refused:
        return Difference(desired.id, note=said(f"it cannot be read: {refused}"))
    return Difference(desired.id, fields=tuple(_field(desired, found, path, rules, hide) for path in lost(desired.spec, found)))


async def _read(api: Api, kinds: Kinds, desired: DesiredObject) -> dict[str, Any]:
    kind = await kinds.find(str(desired.spec["apiVersion"]), str(desired.spec["kind"]))
    if kind is None:
        raise Refused(404, "NotFound", f"the cluster serves no {desired.spec['kind']} any more")
    metadata = desired.spec["metadata"]
    answer: dict[str, Any] = await api.get(kind.path(metadata.get("namespace", ""), metadata["name"]))
    return answer


def _field(
    desired: DesiredObject, found: Mapping[str, Any], path: str, rules: Sequence[FieldRule], hide: Callable[[str], str]
) -> FieldDifference:
    others = owners(found, path)
    name, time_ms = _writer(found, path)
    whose = Whose(owner(rules, desired.id, path, others).value)
    texts = [said(hide(shown(value_at(side, path), desired.secret))) for side in (desired.spec, found)]
    return FieldDifference(said(path), texts[0], texts[1], said(name), time_ms, whose, _why(others, whose))


def _writer(found: Mapping[str, Any], path: str) -> tuple[str, int]:
    """Who has this field or something below it, the newest first."""
    known = [
        (when(entry, "time"), manager + (f" ({subresource})" if subresource else ""))
        for entry, (manager, subresource, leaves) in zip(items(found, "metadata", "managedFields"), writers(found), strict=False)
        if manager != MANAGER and any(leaf == path or leaf.startswith((path + "/", path + "[")) for leaf in leaves)
    ]
    time_ms, name = max(known, default=(0, ""))
    return name, time_ms


def _why(others: Sequence[tuple[str, str]], whose: Whose) -> str:
    if whose.value == Owner.GIT.value:
        return ""
    if whose is Whose.REFUSE:
        return "apply.fields does not take it from whoever writes it"
    if any(name == ZERO for name, _ in others):
        return "an Operation scaled it to zero; one that scales back gives it to Git again"
    if any(sub == SCALE for _, sub in others):
        return "a scaler sets it through the scale subresource"
    return "apply.fields gives it away"
