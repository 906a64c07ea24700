"""KubernetesTarget: a cluster as a Target.

The rest of the loop is synchronous; requests and watches run on one event loop in one thread of this target. Reads are
answered from what the watches hold: an object that is as it was applied costs no request. While all that a read asks about is
at hand, it is answered in the thread that asks; only what may have to wait goes to the event loop.

`observe` tells the desired digest of an object that is settled, and another one while it is not.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, Generic, TypeVar

from reconciler.adapters.targets.kubernetes.access import Access, find
from reconciler.adapters.targets.kubernetes.acted import ActRecord
from reconciler.adapters.targets.kubernetes.api import Api, Refused
from reconciler.adapters.targets.kubernetes.applying import Applier
from reconciler.adapters.targets.kubernetes.beside import Beside
from reconciler.adapters.targets.kubernetes.differing import differences
from reconciler.adapters.targets.kubernetes.draining import DRAINS
from reconciler.adapters.targets.kubernetes.keepers import Keepers
from reconciler.adapters.targets.kubernetes.kinds import Kinds
from reconciler.adapters.targets.kubernetes.lease import Lease
from reconciler.adapters.targets.kubernetes.live import OWNER, Judge, LiveStore, place
from reconciler.adapters.targets.kubernetes.operations import ACTIONS, Operations
from reconciler.adapters.targets.kubernetes.planning import Planner
from reconciler.adapters.targets.kubernetes.record import FAILED, Records, UnitRecord
from reconciler.adapters.targets.kubernetes.references import References
from reconciler.adapters.targets.kubernetes.refusing import Refusals
from reconciler.adapters.targets.kubernetes.sending import Sender
from reconciler.adapters.targets.kubernetes.showing import Showing, missing
from reconciler.adapters.targets.kubernetes.stored import stored
from reconciler.adapters.targets.kubernetes.troubles import Troubles
from reconciler.adapters.targets.kubernetes.volumes import Volumes
from reconciler.adapters.targets.kubernetes.watching import Watch
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.errors import Permanent, Retryable
from reconciler.health import HealthBook
from reconciler.model.appliers import AppliedBy, Standing
from reconciler.model.differences import Difference
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.model.revisions import (
    ChangeSet,
    DesiredObject,
    Health,
    HealthState,
    Observed,
    Plan,
    Rendered,
)
from reconciler.model.trees import Tree, flat
from reconciler.model.troubles import Trouble
from reconciler.ports.target import Act, Acted

log = logging.getLogger(__name__)
T = TypeVar("T")
_BOOK = HealthBook()
SYNC_S = 60.0
ABSENT = "it is not in the cluster"
CLOSING_S = 0.1  # encrypted connections say goodbye in a later turn of the event loop


def _shipped(live: Mapping[str, Any]) -> tuple[HealthState, str]:
    """By the rules that come with Homeostat, until somebody gives others."""
    found = _BOOK.judge(live)
    return found.state, found.message


class KubernetesTarget:
    """One cluster, which has News, is Judging and Telling and a Lasting Operator, too."""

    at_once = 16  # units that may be applied at the same time

    def __init__(self, name: str, access: Access, settings: KubernetesSettings) -> None:
        self.name = name
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"kubernetes {name}", daemon=True)
        self._thread.start()
        self._api = Api(access, at_once=settings.at_once, timeout_s=settings.timeout_ms / 1_000)
        self._kinds = Kinds(self._api)
        self._live = LiveStore(_shipped)
        self._records = Records(self._api, settings.namespace, settings.owner)
        self._lease = Lease(self._api, settings.namespace, settings.owner, self._records)
        self._keepers = Keepers(self._api, self._kinds)
        self._sender = Sender(self._api, self._kinds, settings.owner, self._lease, self._keepers, self._live)
        self._beside = Beside(self._api, self._kinds, _shipped)
        self._planner = Planner(self._api, self._kinds, self._live, self._sender)
        self._applier = Applier(
            self._api, self._kinds, self._live, self._records, self._sender, References(self._api, self._kinds), Refusals()
        )
        record = ActRecord(self._api, settings.namespace, settings.owner, self._records)
        self._operations = Operations(self._api, self._kinds, record, settings)
        volumes = Volumes(self._api, settings.volumes) if settings.volumes else None
        self._troubles = Troubles(self._api, self._kinds, settings.owner, volumes)
        self._watches: dict[str, Watch] = {}
        self._recorded = Newest[Mapping[str, str]](lambda objects: frozenset(map(place, objects)))
        self._named = Newest[tuple[DesiredObject, ...]](lambda objects: frozenset(place(o.id) for o in objects))
        self._ready = False
        self._opening = asyncio.Lock()

    @classmethod
    def from_settings(cls, name: str, settings: KubernetesSettings, home: Path) -> KubernetesTarget:
        return cls(name, find(settings.kubeconfig, settings.context, home), settings)

    def close(self) -> None:
        """Gives the lease back and ends the connections; closing again does nothing."""
        if self._loop.is_closed():
            return
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    @property
    def requests(self) -> int:
        """Requests sent so far; watches are not counted."""
        return self._api.requests

    def changed(self) -> frozenset[str]:
        return self._live.changed()

    def judge_by(self, judge: Judge) -> None:
        self._call(self._judge_by(judge))

    def on_change(self, wake: Callable[[], None]) -> None:
        self._live.wake = wake

    def observe(self, unit: str) -> Observed:
        record = self._at_hand(unit)
        return self._observed(unit, record) if record else self._call(self._observe(unit))

    def inventory(self) -> Mapping[str, str]:
        return self._call(self._inventory())

    def plan(self, rendered: Rendered, revision: str, generation: int, *, shown: bool = True) -> Plan:
        wanted = stored(rendered)
        self._live.rules[wanted.unit] = wanted.manner.fields
        if not shown and self._at_hand(wanted.unit, wanted.objects) and not self._planner.uncompared(wanted):
            return self._planner.steps(wanted, revision, generation)
        return self._call(self._plan(wanted, revision, generation, shown=shown))

    def dry_run(self, plan: Plan) -> ChangeSet:
        return self._call(self._within(plan, self._applier.dry_run))

    def apply(self, plan: Plan) -> ChangeSet:
        return self._call(self._within(plan, self._applier.apply))

    def health(self, unit: str) -> Sequence[Health]:
        record = self._at_hand(unit)
        return self._healths(unit, record) if record else self._call(self._health(unit))

    def troubles(self, units: Collection[str]) -> Sequence[Trouble]:
        return self._call(self._troubled(units))

    def tree(self, unit: str, hide: Callable[[str], str], *, whole: bool = False) -> Tree:
        return self._call(self._tree(unit, hide, whole=whole))

    def leave(self, units: Mapping[str, AppliedBy]) -> None:
        self._call(self._leave(units))

    def standing(self, unit: str, by: AppliedBy) -> Standing:
        return self._call(self._standing(unit, by))

    def differences(self, rendered: Rendered, hide: Callable[[str], str]) -> Sequence[Difference]:
        return self._call(self._differences(rendered, hide))

    def actions(self) -> Mapping[str, Irreversibility]:
        return ACTIONS

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        return self._call(self._operate(act, dry_run=dry_run))

    def lasting(self) -> Collection[str]:
        return DRAINS

    def go_on(self, act: Act) -> Acted:
        return self._call(self._go_on(act))

    async def _leave(self, units: Mapping[str, AppliedBy]) -> None:
        self._beside.leave(units)

    async def _standing(self, unit: str, by: AppliedBy) -> Standing:
        await self._connect()
        return await self._beside.standing(unit, by)

    async def _troubled(self, units: Collection[str]) -> Sequence[Trouble]:
        left = set(units) & self._beside.units.keys()
        mine = set(units) - left
        for unit in sorted(mine):
            await self._look(unit)
        objects = [o for unit in mine for o in self._live.unit(unit).values()]
        if left:
            await self._connect()
            objects += await self._beside.troubled(left)
        found = await self._troubles.of(objects, int(time.time() * 1_000))
        return [*found, *self._applier.refusals.troubles(units)]

    async def _look(self, unit: str) -> None:
        """A broken record is told where the unit is applied, and hides no other trouble."""
        try:
            await self._open(unit)
        except Refused as refused:
            raise Retryable(f"cannot look at unit {unit}: {refused}", after_ms=5_000) from refused
        except Permanent as error:
            log.warning("kubernetes.look", extra={"fields": {"unit": unit, "why": str(error)}})

    async def _tree(self, unit: str, hide: Callable[[str], str], *, whole: bool) -> Tree:
        if unit in self._beside.units:
            await self._connect()
            objects = await self._beside.objects(unit)
            shown = await Showing(self._api, self._kinds, self._live, hide, whole=whole).of(objects)
            return flat(unit, self.name, tuple(shown), whole=whole)
        await self._open(unit)
        record, live = await self._records.get(unit), self._live.unit(unit)
        found = await Showing(self._api, self._kinds, self._live, hide, whole=whole).of(live.values())
        return flat(unit, self.name, (*found, *missing(set(record.objects) - set(live))), whole=whole)

    async def _differences(self, rendered: Rendered, hide: Callable[[str], str]) -> Sequence[Difference]:
        await self._open(rendered.unit, rendered.objects)
        record, live = await self._records.get(rendered.unit), self._live.unit(rendered.unit)
        gone = [o.id for o in rendered.objects if o.id not in live and record.objects.get(o.id) == o.digest]
        found = await differences(self._api, self._kinds, stored(rendered), live, hide)
        return sorted([*found, *(Difference(i, gone=True) for i in gone)], key=lambda d: d.id)

    async def _operate(self, act: Act, *, dry_run: bool) -> Acted:
        if by := self._beside.units.get(act.unit):
            return Acted(False, Reason.INVALID.value, f"{by} applies unit {act.unit}; Homeostat writes nothing of it")
        await self._open(act.unit)
        return await self._operations.operate(act, self._live.unit(act.unit), dry_run=dry_run)

    async def _go_on(self, act: Act) -> Acted:
        if by := self._beside.units.get(act.unit):
            return Acted(
                False, Reason.INCOMPLETE.value, f"{by} applies unit {act.unit} now; Homeostat does nothing more in its name"
            )
        await self._connect()
        return await self._operations.go_on(act)

    async def _within(self, plan: Plan, act: Callable[[Plan], Coroutine[Any, Any, ChangeSet]]) -> ChangeSet:
        self._beside.refuse(plan.unit)
        await self._open(plan.unit, plan.objects)
        changes = await act(plan)
        await self._open(plan.unit, plan.objects)  # kinds that this plan brought are watched from now on
        return changes

    async def _observe(self, unit: str) -> Observed:
        if unit in self._beside.units:
            return Observed(unit, 0, "")
        await self._open(unit)
        return self._observed(unit, await self._records.get(unit))

    def _observed(self, unit: str, record: UnitRecord) -> Observed:
        held = self._live.digests(unit)
        applied = {i: d for i, d in record.objects.items() if d != FAILED and not self._live.unseen(i)}
        restless = self._live.restless(unit).values()
        apart = {o.id: f"{o.digest}~{o.version}" for o in restless if not (o.settled or o.raw)}
        return Observed(unit, record.generation, record.revision, {**held, **apart}, {**applied, **held})

    async def _inventory(self) -> Mapping[str, str]:
        await self._connect()
        recorded: dict[str, str] = {}
        for record in (await self._records.all()).values():
            recorded.update(dict.fromkeys(record.objects, record.unit))
        return {**recorded, **self._live.inventory(), **await self._beside.inventory()}

    async def _plan(self, wanted: Rendered, revision: str, generation: int, *, shown: bool) -> Plan:
        self._beside.refuse(wanted.unit)
        await self._open(wanted.unit, wanted.objects)
        return await self._planner.plan(wanted, revision, generation, shown=shown)

    async def _health(self, unit: str) -> Sequence[Health]:
        if unit in self._beside.units:
            await self._connect()
            return await self._beside.health(unit)
        await self._open(unit)
        return self._healths(unit, await self._records.get(unit))

    def _healths(self, unit: str, record: UnitRecord) -> Sequence[Health]:
        live = self._live.unit(unit)
        missing = [self._absent(i) for i in sorted(set(record.objects) - set(live))]
        return [*(Health(i, o.state, o.message) for i, o in sorted(live.items())), *missing]

    def _absent(self, object_id: str) -> Health:
        """An object that is recorded and not seen."""
        unseen = self._live.unseen(object_id)
        return Health(object_id, HealthState.UNKNOWN, unseen) if unseen else Health(object_id, HealthState.MISSING, ABSENT)

    async def _connect(self) -> None:
        async with self._opening:
            if not self._ready:
                self._api.start()
                await self._kinds.refresh()
                self._ready = True

    def _at_hand(self, unit: str, objects: tuple[DesiredObject, ...] = ()) -> UnitRecord | None:
        """The unit's record, while `_open` would have nothing to wait for; for any thread."""
        record = self._records.known(unit)
        if record is None or not self._ready or self._loop.is_closed() or self._live.unwatched or unit in self._beside.units:
            return None
        held = map(self._watches.get, self._places(unit, record, objects))
        return record if all(w and w.in_step and not w.over for w in held) else None

    def _places(self, unit: str, record: UnitRecord, objects: tuple[DesiredObject, ...]) -> frozenset[str]:
        return self._recorded.of(unit, record.objects) | (self._named.of(unit, objects) if objects else frozenset())

    async def _open(self, unit: str, objects: tuple[DesiredObject, ...] = ()) -> None:
        """Connected, and every place of this unit, of these objects or recorded, in step or known as not to be watched."""
        if self._at_hand(unit, objects):
            return
        await self._connect()
        record = await self._records.get(unit)
        watches = [(name, await self._watch(name)) for name in sorted(self._places(unit, record, objects))]
        late = [self._caught_up(name, w) for name, w in watches if w and not (w.in_step and not self._live.unwatched)]
        if late:
            await asyncio.gather(*late)

    async def _caught_up(self, name: str, watch: Watch) -> None:
        try:
            await watch.synced(SYNC_S)
        except Retryable as error:
            if not watch.denied:
                raise
            self._live.unwatched[name] = error.message
        else:
            self._live.unwatched.pop(name, None)

    async def _watch(self, name: str) -> Watch | None:
        """Of a place; None while the server does not serve the kind."""
        named, _, namespace = name.partition("/")
        kind = await self._kinds.find_named(named)
        held = self._watches.get(name)
        if held is not None and not held.over:
            return held
        if kind is None:
            return None
        self._watches[name] = Watch(
            self._api,
            kind,
            namespace,
            f"{OWNER}={self._settings.owner}",
            lambda k, o, listed: self._live.news(k, o, listed=listed),
            self._live.no_more,
            lambda: self._live.at(name),
        )
        return self._watches[name]

    async def _judge_by(self, judge: Judge) -> None:
        """What is held is listed again: only its health is kept, not what it was judged from."""
        self._live.judge_by(judge)
        self._beside.judge_by(judge)
        watches, self._watches = self._watches, {}
        for watch in watches.values():
            await watch.stop()

    async def _close(self) -> None:
        self._operations.stop()
        for watch in self._watches.values():
            await watch.stop()
        await self._lease.release()
        await self._api.stop()
        await asyncio.sleep(CLOSING_S)
        others = asyncio.all_tasks() - {asyncio.current_task()}  # who waits for one of them would wait for ever
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop.is_closed() or not self._thread.is_alive():
            work.close()
            raise Retryable(f"the connection to {self.name} is closed")
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except CancelledError:
            raise Retryable(f"the connection to {self.name} is closed") from None


class Newest(Generic[T]):
    """The places of each unit's newest value: of thousands of objects there are a few, and the same ones each time."""

    def __init__(self, places: Callable[[T], frozenset[str]]) -> None:
        self._places = places
        self._known: dict[str, tuple[T, frozenset[str]]] = {}

    def of(self, unit: str, value: T) -> frozenset[str]:
        known = self._known.get(unit)
        if known is None or known[0] is not value:
            known = self._known[unit] = value, self._places(value)
        return known[1]
