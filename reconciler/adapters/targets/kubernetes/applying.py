"""Applying: one unit's plan, level by level, all objects of a level at once.

1. Fence: the unit's record names this generation, written over exactly the version that was read. Else STALE_PLAN.
2. Creations and updates by server-side apply, in the order of `order.levels`. A level with CRDs is over when the server serves
   them. An object whose kind or namespace failed before is told as blocked; everything else goes on. A wave goes on when
   everything before it is healthy; until then its objects are told as waiting.
3. Deletions in reverse order, each of exactly the object that was seen (uid), ours, unprotected.
4. What failed is taken out of the record, so that nobody mistakes it for drift.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused, Request
from reconciler.adapters.targets.kubernetes.kinds import Kind, Kinds
from reconciler.adapters.targets.kubernetes.live import Live, LiveStore
from reconciler.adapters.targets.kubernetes.order import CRD, levels, wave
from reconciler.adapters.targets.kubernetes.record import FAILED, Records, UnitRecord
from reconciler.adapters.targets.kubernetes.references import References
from reconciler.adapters.targets.kubernetes.refusing import Refusals, explained, permitted
from reconciler.adapters.targets.kubernetes.sending import Asked, Sender, words
from reconciler.adapters.targets.kubernetes.spelling import NOT_TRIED, no_right
from reconciler.errors import HomeostatError
from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, DesiredObject, HealthState, Plan, Step, StepResult, Verb

ESTABLISHED_S = 10.0
READY = frozenset({HealthState.HEALTHY, HealthState.SUSPENDED})  # what a later wave goes on after


@dataclasses.dataclass(frozen=True)
class Applier:
    """What applying needs of the target."""

    api: Api
    kinds: Kinds
    live: LiveStore
    records: Records
    sender: Sender
    references: References
    refusals: Refusals

    async def apply(self, plan: Plan) -> ChangeSet:
        await self.sender.lease.take()
        before = await self.records.get(plan.unit)
        record = await self._fence(plan, before)
        if record is None:
            return _answer(plan, (), Reason.STALE_PLAN.value)
        desired = {o.id: o for o in plan.objects}
        self.refusals.only(plan.unit, {s.id for s in plan.steps if s.verb is not Verb.PRUNE})
        results = await self._put_all(plan, desired, frozenset(before.objects))
        results += await self._prune_all(plan, desired)
        failed = {r.id for r in results if not r.ok and r.verb is not Verb.PRUNE}
        if failed:
            marked = {**record.objects, **dict.fromkeys(failed & set(record.objects), FAILED)}
            await self.records.write(record, dataclasses.replace(record, objects=marked))
        return _answer(plan, results, _overall(results))

    async def dry_run(self, plan: Plan) -> ChangeSet:
        if (await self.records.get(plan.unit)).stale(plan.generation, plan.revision):
            return _answer(plan, (), Reason.STALE_PLAN.value)
        desired = {o.id: o for o in plan.objects}
        recorded = frozenset((await self.records.get(plan.unit)).objects)
        asked = [self._dry(s, self._ask(plan, desired[s.id], recorded), desired) for s in plan.steps if s.verb is not Verb.PRUNE]
        pruned = [_done(s) for s in plan.steps if s.verb is Verb.PRUNE]
        results = [*await asyncio.gather(*asked), *pruned]
        return _answer(plan, results, _overall(results))

    async def _fence(self, plan: Plan, held: UnitRecord) -> UnitRecord | None:
        """The record with this plan in it; None when the cluster has a newer one."""
        wanted = {o.id: o.digest for o in plan.objects}
        for _ in range(5):
            if held.stale(plan.generation, plan.revision):
                return None
            if (held.generation, held.revision) == (plan.generation, plan.revision) and held.objects == wanted and held.version:
                return held
            after = UnitRecord(plan.unit, plan.generation, plan.revision, wanted)
            if written := await self.records.write(held, after):
                return written
            held = await self.records.again(plan.unit)
        return None

    async def _put_all(self, plan: Plan, desired: Mapping[str, DesiredObject], recorded: frozenset[str]) -> list[StepResult]:
        steps = {s.id: s for s in plan.steps if s.verb is not Verb.PRUNE}
        results: list[StepResult] = []
        broken: dict[str, str] = {}
        for at, ids in levels({i: desired[i].spec for i in steps}):
            if before := self._unready(at, desired):
                results += [_failed(steps[i], Reason.WAITING, f"wave {at} waits: {before}") for i in ids]
                continue
            level = await asyncio.gather(*(self._put(steps[i], self._ask(plan, desired[i], recorded), broken) for i in ids))
            results += level
            for result in level:
                if not result.ok:
                    broken.update(_provides(desired[result.id], result.detail))
            await self._established([i for i in ids if i.startswith(CRD + "/") and i not in {r.id for r in level if not r.ok}])
        return results

    def _unready(self, at: int, desired: Mapping[str, DesiredObject]) -> str:
        """What an earlier wave still waits for. Nothing waits here: news of the object brings the unit back."""
        for other in desired.values() if at else ():
            if wave(other.spec) < at:
                live = self.live.get(other.id)
                if live is None or live.digest != other.digest:
                    return f"{other.id} is not applied"
                if live.state not in READY:
                    return f"{other.id} is {live.state.value}: {live.message}"
        return ""

    def _ask(self, plan: Plan, desired: DesiredObject, recorded: frozenset[str]) -> Asked:
        """An object that is not ours yet is not taken from whoever else writes it, unless the unit says so."""
        held = self.live.get(desired.id)
        yielded = held.yielded if held else frozenset[str]()
        return Asked(desired, plan.manner, yielded, held is not None or plan.manner.adopt, desired.id in recorded)

    async def _put(self, step: Step, asked: Asked, broken: Mapping[str, str]) -> StepResult:
        if blocked := _blocked(asked.desired, broken):
            return _failed(step, Reason.BLOCKED, blocked)
        if unseen := self.live.unseen(step.id):
            return _failed(step, Reason.INVALID, unseen)
        with self.live.applying(step.id):
            try:
                if waits := await self._send(asked):
                    return _failed(step, Reason.WAITING, waits)
            except Refused as refused:
                live = self.live.get(step.id)
                self.refusals.refused(asked.desired, refused, live)
                return _failed(step, Reason.INVALID, explained(refused, asked.desired, live))
            except HomeostatError as error:
                return _failed(step, Reason.ERROR, str(error))
        self.refusals.well(asked.desired)
        return _done(step)

    async def _send(self, asked: Asked) -> str:
        """What has to happen before it can be applied, "" when it was. Deleted and made again only with Git's permission."""
        try:
            self.live.applied(*await self.sender.send(asked))
        except Refused as refused:
            live = self.live.get(asked.desired.id)
            how = permitted(asked.desired, live, refused)
            if live is None or not how:
                raise
            if waits := await self._make_room(live, how, asked.manner.user):
                return waits
            self.live.applied(*await self.sender.send(asked))
        return ""

    async def _make_room(self, live: Live, how: str, user: str) -> str:
        """What the deletion waits for, "" when the object is gone. What holds back other deletions holds back this one."""
        needed = (await self.references.needed(frozenset({live.id}), frozenset({live.id}))).get(live.id, "")
        if live.protected or needed:
            return f"it is not deleted to be made again: {needed or 'it is annotated homeostat.dev/prune: never'}"
        kind = await self.kinds.find_named(live.id.split("/", 1)[0])
        if kind is None:
            return f"the cluster serves no {live.id.split('/', 1)[0]} any more"
        answer = await self._delete(kind, live, user, how)
        if answer.get("kind") == "Status":
            self.live.deleted(live)
            return ""
        return f"to be made again, once its deletion is over, which waits for {self.live.seen(kind, answer).deleting}"

    async def _dry(self, step: Step, asked: Asked, wanted: Mapping[str, DesiredObject]) -> StepResult:
        if unseen := self.live.unseen(step.id):
            return _failed(step, Reason.INVALID, unseen)
        try:
            await self.sender.send(asked, dry=True)
        except Refused as refused:
            live = self.live.get(step.id)
            told = NOT_TRIED if no_right(refused) else ""
            if refused.status == 404 and _made_with(asked.desired, wanted):
                told = "not checked by the server: its kind or namespace comes with the same plan"
            elif permitted(asked.desired, live, refused):
                told = "it will be deleted and made again, as its annotation permits"
            if told:
                return dataclasses.replace(_done(step), detail=told)
            return _failed(step, Reason.INVALID, explained(refused, asked.desired, live))
        except HomeostatError as error:
            return _failed(step, Reason.ERROR, str(error))
        return _done(step)

    async def _established(self, crds: Sequence[str]) -> None:
        """Until the server serves the new kinds. Its own list is asked: it is what the next apply meets."""
        found = await asyncio.gather(*(self._served(i.split("/", 1)[1]) for i in crds))
        if crds:
            await self.kinds.listed({kind for crd in found for kind in _defined(crd)})

    async def _served(self, name: str) -> Mapping[str, Any]:
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        found: Mapping[str, Any] = await self.api.get(f"{path}/{name}")
        if _is_established(found):
            return found
        params = {
            "watch": "1", "fieldSelector": f"metadata.name={name}", "resourceVersion": found["metadata"]["resourceVersion"],
            "timeoutSeconds": str(int(ESTABLISHED_S)),
        }  # fmt: skip
        async with self.api.watch(path, params) as events:
            async for event in events:
                if _is_established(event.get("object") or {}):
                    break
        return found

    async def _prune_all(self, plan: Plan, desired: Mapping[str, DesiredObject]) -> list[StepResult]:
        steps = {s.id: s for s in plan.steps if s.verb is Verb.PRUNE and s.id not in desired}
        found: list[StepResult] = []
        for _, ids in reversed(list(levels({i: {} for i in steps}))):
            needed = await self.references.needed(frozenset(ids) & frozenset(steps), frozenset(steps))
            found += await asyncio.gather(*(self._prune(steps[i], plan, needed.get(i, "")) for i in ids))
        return found

    async def _prune(self, step: Step, plan: Plan, needed: str) -> StepResult:
        live = self.live.get(step.id)
        kind = await self.kinds.find_named(step.id.split("/", 1)[0])
        if live is None or live.unit != plan.unit or kind is None:
            return _done(step)  # gone, or another unit's by now
        if live.protected:
            return dataclasses.replace(_done(step), detail="kept: it is annotated homeostat.dev/prune: never")
        if live.keeper and await self.sender.keepers.stands(live.keeper):
            return dataclasses.replace(_done(step), detail=f"kept: {live.keeper} applies it now")
        if needed:
            return _failed(step, Reason.WAITING, f"kept for now: {needed}")
        return await self._deleted(step, kind, live, plan.manner.user)

    async def _deleted(self, step: Step, kind: Kind, live: Live, user: str) -> StepResult:
        try:
            answer = await self._delete(kind, live, user)
        except Refused as refused:
            return _failed(step, Reason.INVALID, words(refused))
        except HomeostatError as error:
            return _failed(step, Reason.ERROR, str(error))
        if answer.get("kind") == "Status":
            self.live.deleted(live)
            return _done(step)
        waits = self.live.seen(kind, answer).deleting
        return dataclasses.replace(_done(step), detail=f"its deletion waits for {waits}" if waits.strip("-") else "")

    async def _delete(self, kind: Kind, live: Live, user: str, how: str = "Background") -> Any:
        """Exactly the object that was seen; gone already, or replaced by another of its name, is as good."""
        *inside, name = live.id.split("/")[1:]
        options = {"preconditions": {"uid": live.uid}, "propagationPolicy": how}
        self.sender.lease.require()
        try:
            path = kind.path("".join(inside), name)
            return await self.api.send(Request("DELETE", path, body=json.dumps(options).encode(), user=user))
        except Refused as refused:
            if refused.status not in (404, 409):
                raise
            return {"kind": "Status"}


def _provides(desired: DesiredObject, why: str) -> Mapping[str, str]:
    """What others need of a failed object: its namespace or its kind."""
    manifest = desired.spec
    if manifest["kind"] == "Namespace":
        return {"namespace " + manifest["metadata"]["name"]: why}
    if manifest["kind"] == "CustomResourceDefinition":
        spec = manifest.get("spec") or {}
        return {f"kind {spec.get('group')}/{(spec.get('names') or {}).get('kind')}": why}
    return {}


def _needs(desired: DesiredObject) -> tuple[str, str]:
    manifest = desired.spec
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    return "namespace " + str(manifest["metadata"].get("namespace", "")), f"kind {group}/{manifest['kind']}"


def _blocked(desired: DesiredObject, broken: Mapping[str, str]) -> str:
    return next((f"waits for {need}: {broken[need]}" for need in _needs(desired) if need in broken), "")


def _made_with(desired: DesiredObject, wanted: Mapping[str, DesiredObject]) -> bool:
    provided = {need for other in wanted.values() for need in _provides(other, "")}
    return any(need in provided for need in _needs(desired))


def _defined(crd: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spec = crd["spec"]
    yield from ((f"{spec['group']}/{v['name']}", spec["names"]["kind"]) for v in spec["versions"] if v["served"])


def _is_established(crd: Mapping[str, Any]) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def _overall(results: Sequence[StepResult]) -> str:
    if all(r.ok for r in results):
        return Reason.APPLIED.value
    return next(r.reason for r in results if not r.ok)


def _done(step: Step) -> StepResult:
    return StepResult(step.id, step.verb, ok=True, reason=Reason.APPLIED.value)


def _failed(step: Step, reason: Reason, detail: str) -> StepResult:
    return StepResult(step.id, step.verb, ok=False, reason=reason.value, detail=detail[:1_000])


def _answer(plan: Plan, results: Sequence[StepResult], reason: str) -> ChangeSet:
    return ChangeSet(plan.unit, plan.target, plan.revision, plan.generation, tuple(results), reason)
