"""Operations: one-shot acts on a cluster: restart, scale to zero and back, run a Job, evict, cordon, uncordon, drain.

1. The record in the cluster: done under this id is DUPLICATE; begun without an end is raised, for nobody knows.
2. What it is done to: an object of the unit, a pod that one of them made, or a node where the settings let the unit do that.
3. Its own mark on that object: done, also when a crash left the record without an end.
4. Dry run by the server, for evictions of each pod.
5. Claim in the record, written over exactly what was read. No lease is needed: of two processes one gets the id.
6. The act, in the unit's name. What the server refuses was not done, and frees the id; whatever else goes wrong is raised.
7. What lasts is only begun here, and gone on with in later turns, by this process or another one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.targets.kubernetes import draining
from reconciler.adapters.targets.kubernetes.acted import MERGE, ActRecord, Entry
from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.adapters.targets.kubernetes.deeds import (
    DAEMON,
    DEPLOYMENT,
    STATEFUL,
    Deed,
    cordon,
    job,
    mark_of,
    marked,
    marking,
    restart,
    scale_back,
    scale_to_zero,
    uncordon,
)
from reconciler.adapters.targets.kubernetes.draining import DRAINS, LOSING, Drains
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.live import OWNER, UNIT, Live
from reconciler.adapters.targets.kubernetes.masks import OPERATIONS
from reconciler.adapters.targets.kubernetes.sending import words
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.errors import HomeostatError, Permanent, Retryable
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted

TRIES = 5  # of a write over an object that others write, too
PATIENCE_S = 2.0  # of the loop with one turn of what lasts
HOPS = 5  # from a pod to the object in Git that made it

ACTIONS: Mapping[str, Irreversibility] = {
    "restart": Irreversibility.COSTLY,
    "scale-to-zero": Irreversibility.COSTLY,
    "scale-back": Irreversibility.REVERSIBLE,
    "cordon": Irreversibility.REVERSIBLE,
    "uncordon": Irreversibility.REVERSIBLE,
    "evict": Irreversibility.COSTLY,
    "drain": Irreversibility.COSTLY,
    LOSING: Irreversibility.IRREVERSIBLE,
    "run-job": Irreversibility.IRREVERSIBLE,  # only its author knows what it does
}
WRITES: Mapping[str, Deed] = {
    "restart": restart, "scale-to-zero": scale_to_zero, "scale-back": scale_back, "cordon": cordon, "uncordon": uncordon,
}  # fmt: skip
KINDS: Mapping[str, Sequence[str]] = {
    "restart": (DEPLOYMENT, STATEFUL, DAEMON),
    "scale-to-zero": (DEPLOYMENT, STATEFUL),
    "scale-back": (DEPLOYMENT, STATEFUL),
    "run-job": ("CronJob.batch", "Job.batch"),
}  # of the unit; the other acts are on pods and nodes
ON_NODES = frozenset({"cordon", "uncordon", *DRAINS})


@dataclass(frozen=True, slots=True)
class Found:
    """What an act is done to."""

    path: str
    obj: Mapping[str, Any]


class Operations:
    """On one cluster, as one owner."""

    def __init__(self, api: Api, kinds: Kinds, record: ActRecord, settings: KubernetesSettings) -> None:
        self._api, self._kinds, self._record, self._settings = api, kinds, record, settings
        self._drains = Drains(api, record, settings.drain_ms)
        self._turns: dict[Act, asyncio.Task[Acted]] = {}

    async def operate(self, act: Act, live: Mapping[str, Live], *, dry_run: bool) -> Acted:
        """`live`: the unit's objects as the watches hold them."""
        try:
            found = await self._undone(act, live)
            if isinstance(found, Acted):
                return found
            refused = await self._rehearse(act, found)  # 4
        except Refused as refusal:
            return _no(_explained(refusal, act))
        if refused or dry_run:
            return _no(refused) if refused else Acted(True, Reason.OK.value, f"{act.action} on {act.component}")
        return await self._claimed(act, found)

    async def _undone(self, act: Act, live: Mapping[str, Live]) -> Found | Acted:
        """Steps 1 to 3."""
        entry = await self._record.find(act.id)  # 1
        if entry and (entry.done or not entry.is_of(act)):
            return _before(act, entry)
        found = await self._find(act, live)  # 2
        if not isinstance(found, str) and (told := await self._marked(act, found)):
            return told  # 3
        if entry:
            return _begun(act, entry)
        return _no(found) if isinstance(found, str) else found

    async def _claimed(self, act: Act, found: Found) -> Acted:
        """Steps 5 and 6."""
        try:
            entry, ours = await self._record.claim(act)
        except HomeostatError as error:
            return _no(f"it was not begun, for that could not be written down: {error}")
        if not ours and (entry.done or not entry.is_of(act)):
            return _before(act, entry)
        if not ours or act.action in DRAINS:  # 7
            return _begun(act, entry)
        try:
            acted = await self._do(act, found)
        except Refused as refusal:
            if refusal.status >= 500:
                raise
            acted = _no(_explained(refusal, act))
        if acted.ok:
            await self._record.tell(act, entry, acted.detail, done=True)
        else:
            await self._record.release(act)
        return acted

    async def go_on(self, act: Act) -> Acted:
        """Step 7. One turn at a time, which whoever asks waits for a little: webhooks may take their time over an eviction."""
        turn = self._turns.get(act) or asyncio.create_task(self._go_on(act))
        self._turns[act] = turn
        done, _ = await asyncio.wait({turn}, timeout=PATIENCE_S)
        if not done:
            raise Retryable(f"the cluster has not answered within {PATIENCE_S:g} s, and is waited for")
        self._turns.pop(act, None)  # somebody else who asked for the same turn was quicker
        return turn.result()

    def stop(self) -> None:
        for turn in self._turns.values():
            turn.cancel()

    async def _go_on(self, act: Act) -> Acted:
        """What could not be begun after all frees the id."""
        try:
            entry = await self._record.find(act.id)
            if entry is None or not entry.is_of(act) or act.action not in DRAINS:
                raise Permanent(f"the cluster knows of no {act.action} of {act.component} that was begun under this id")
            if entry.done:
                return Acted(True, Reason.APPLIED.value, entry.detail)
            acted = await self._drains.go_on(act, entry)
            if acted.reason == Reason.INVALID.value:
                await self._record.release(act)
        except Refused as refusal:
            if refusal.status >= 500:
                raise Retryable(f"{act.action} of {act.component} is under way: {refusal}", after_ms=5_000) from refusal
            raise
        return acted

    async def _find(self, act: Act, live: Mapping[str, Live]) -> Found | str:
        """Step 2; a sentence when there is nothing that this unit may do it to."""
        if act.action not in ACTIONS:
            return f"no such action; there are {', '.join(sorted(ACTIONS))}"
        if act.action in ON_NODES:
            return await self._node(act)
        return await (self._pod(act, live) if act.action == "evict" else self._object(act, live))

    async def _node(self, act: Act) -> Found | str:
        if act.unit not in self._settings.node_units:
            return f"unit {act.unit} may do nothing to nodes; the target's settings name who may in nodeUnits"
        if "/" in act.component:
            return f"{act.component} is no name of a node"
        path = f"/api/v1/nodes/{act.component}"
        node = await self._get(path)
        return Found(path, node) if node else f"there is no node {act.component}"

    async def _object(self, act: Act, live: Mapping[str, Live]) -> Found | str:
        kinds = KINDS[act.action]
        ids = [i for i, o in live.items() if i.split("/", 1)[0] in kinds and _names(i, act.component) and not o.deleting]
        if len(ids) > 1:
            return f"{act.component} may be any of {', '.join(sorted(ids))}; say more of it, as in {min(ids).lower()}"
        kind = await self._kinds.find_named(ids[0].split("/", 1)[0]) if ids else None
        if kind is None:
            return f"unit {act.unit} has no live {', '.join(k.split('.')[0] for k in kinds)} {act.component}"
        *inside, name = ids[0].split("/")[1:]
        path = kind.path("".join(inside), name)
        obj = await self._get(path)
        if obj is None or not self._owns(act.unit, obj):
            return f"{ids[0]} is not unit {act.unit}'s any more"
        return Found(path, obj)

    async def _pod(self, act: Act, live: Mapping[str, Live]) -> Found | str:
        """By its name, where the unit has objects; made by one of them."""
        inside, _, name = act.component.rpartition("/")
        spaces = sorted({i.split("/")[1] for i in live if i.count("/") == 2 and inside in ("", i.split("/")[1])})
        paths = [f"/api/v1/namespaces/{space}/pods/{name}" for space in spaces]
        pods = await asyncio.gather(*(self._get(path) for path in paths))
        mine = [Found(path, p) for path, p in zip(paths, pods, strict=True) if p and await self._made_by(act.unit, p)]
        if len(mine) > 1:
            return f"there is a pod {name} in {', '.join(spaces)}; say which, as in {spaces[0]}/{name}"
        return mine[0] if mine else f"unit {act.unit} has no live pod {act.component}"

    async def _made_by(self, unit: str, obj: Mapping[str, Any]) -> bool:
        """Whether an object of the unit made it, or made what made it."""
        for _ in range(HOPS):
            if self._owns(unit, obj):
                return True
            maker = draining.controller(obj)
            kind = await self._kinds.find(maker["apiVersion"], maker["kind"]) if maker else None
            above = await self._get(kind.path(obj["metadata"].get("namespace", ""), maker["name"])) if kind else None
            if above is None or above["metadata"]["uid"] != maker["uid"]:
                return False
            obj = above
        return False

    def _owns(self, unit: str, obj: Mapping[str, Any]) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return bool(labels.get(OWNER) == self._settings.owner and labels.get(UNIT) == unit)

    async def _marked(self, act: Act, found: Found) -> Acted | None:
        """Step 3."""
        marks = [marked(found.obj)]
        if act.action == "run-job":
            run = await self._get(_run_path(act, found))
            marks = [marked(run)] if run else []
        for mark in marks:
            action, _, act_id = mark.partition("/")
            if act_id == act.id and action == act.action:
                return Acted(True, Reason.DUPLICATE.value, f"done before: {act.component} says so")
            if act_id == act.id:
                return _no("this id stood for another act")
        return None

    async def _rehearse(self, act: Act, found: Found) -> str:
        """Step 4: why not."""
        if act.action in DRAINS:
            await self._patch(found.path, marking(mark_of(act)), OPERATIONS, act.user, dry=True)
            there = await draining.survey(self._api, act.component, lose_data=act.action == LOSING)
            return draining.counted(there.obstacles) or await draining.preview(self._api, there.going, act.user)
        if act.action == "evict":
            return await draining.preview(self._api, [found.obj], act.user)
        if act.action == "run-job":
            return await self._run(act, found, dry=True)
        written = await self._write(act, found, WRITES[act.action], dry=True)
        return "" if written.ok else written.detail

    async def _do(self, act: Act, found: Found) -> Acted:
        """Step 6."""
        if act.action == "evict":
            refused = await draining.refusal(self._api, found.obj, act.user, dry=False)
            return _no(refused) if refused else _yes(f"pod {act.component} was asked to leave")
        if act.action == "run-job":
            refused = await self._run(act, found, dry=False)
            return _no(refused) if refused else _yes(f"made Job {act.id}")
        return await self._write(act, found, WRITES[act.action], dry=False)

    async def _write(self, act: Act, found: Found, deed: Deed, *, dry: bool) -> Acted:
        """Over exactly the object that was read; when somebody else was faster, over what they made of it."""
        for _ in range(TRIES):
            write = deed(found.obj, mark_of(act))
            if isinstance(write, str):
                return _no(write)
            metadata = {**write.body["metadata"], "resourceVersion": found.obj["metadata"]["resourceVersion"]}
            try:
                await self._patch(found.path, {**write.body, "metadata": metadata}, write.manager, act.user, dry=dry)
            except Refused as refused:
                if refused.status != 409:
                    raise
                found = Found(found.path, await self._api.get(found.path))
                if marked(found.obj) != mark_of(act):
                    continue  # else only the answer to our own write was lost
            return _yes(write.told)
        return _no(f"others write {act.component} all the time")

    async def _run(self, act: Act, found: Found, *, dry: bool) -> str:
        made = job(found.obj, act.id, mark_of(act))
        if isinstance(made, str):
            return made
        params = {"fieldManager": OPERATIONS, **({"dryRun": "All"} if dry else {})}
        path = _run_path(act, found)
        try:
            await self._api.send(Request("POST", path.rpartition("/")[0], params, json.dumps(made).encode(), user=act.user))
        except Refused as refused:
            if refused.status != 409:
                raise
            if marked(await self._api.get(path)) != mark_of(act):
                return f"there is a Job {act.id} already; give the Operation another name"
        return ""

    async def _patch(self, path: str, body: Mapping[str, Any], manager: str, user: str, *, dry: bool = False) -> None:
        params = {"fieldManager": manager, **({"dryRun": "All"} if dry else {})}
        await self._api.send(Request("PATCH", path, params, json.dumps(body).encode(), MERGE, user))

    async def _get(self, path: str) -> Any:
        try:
            return await self._api.get(path)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None


def _names(object_id: str, component: str) -> bool:
    """`web`, `shop/web` and `deployment.apps/shop/web` name Deployment.apps/shop/web."""
    return ("/" + object_id.lower()).endswith("/" + component)


def _run_path(act: Act, source: Found) -> str:
    return f"/apis/batch/v1/namespaces/{source.obj['metadata']['namespace']}/jobs/{act.id}"


def _yes(detail: str) -> Acted:
    return Acted(True, Reason.APPLIED.value, detail)


def _no(detail: str) -> Acted:
    return Acted(False, Reason.INVALID.value, detail)


def _before(act: Act, entry: Entry) -> Acted:
    if entry.is_of(act):
        return Acted(True, Reason.DUPLICATE.value, f"done before: {entry.detail}")
    return _no("this id stood for another act")


def _begun(act: Act, entry: Entry) -> Acted:
    """Under this id, by this process or another one. Only what lasts can be gone on with."""
    if act.action in DRAINS and entry.is_of(act):
        return Acted(True, Reason.WAITING.value, entry.detail)
    raise Permanent(
        f"{act.action} of {act.component} was begun at {entry.at} under this id and its end is not known: {entry.detail}",
        next_step="look at the object; add an Operation with a new name if it is still wanted",
    )


def _explained(refused: Refused, act: Act) -> str:
    if refused.status != 403:
        return words(refused)
    who = act.user or "the account that Homeostat uses"
    return f"{words(refused)}; {who} needs this right, or another unit has to do it (docs/guide/operations.md)"
