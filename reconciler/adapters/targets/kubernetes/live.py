"""Live: what is kept of every managed object: its unit, digest, version, health, and prints of the fields we own.

Kept small: a hash where a value would do nothing, paths shared between objects of one shape, the object itself only until
somebody has compared it with what is desired. Written on the event loop only; other threads read whole values.

While we apply an object, news of it from the watch waits (`applying`): most of it is the echo of that apply, which the answer
tells better and needs no judging twice. Whichever is newer then counts; when no answer comes, the news does.

An object is *settled* when its fields are as they were after our own apply (or after it was found to be as desired): then
nothing has to be asked of the server. Fields that a scaler writes through the scale subresource are its business from then
on (`yielded`), without being told; so are replicas that an Operation scaled to zero, until one gives them back.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.targets.kubernetes import jsons
from reconciler.adapters.targets.kubernetes.fields import Owned, owned
from reconciler.adapters.targets.kubernetes.keepers import Keeper, keeper
from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.masks import returned, theirs
from reconciler.adapters.targets.kubernetes.standing import told, worth_a_look_ms
from reconciler.adapters.targets.kubernetes.symptoms import Symptom
from reconciler.model.revisions import FieldRule, HealthState

OWNER = "homeostat.dev/owner"
UNIT = "homeostat.dev/unit"
DIGEST = "homeostat.dev/digest"
SECRETS = "Secret"
PROTECT = "homeostat.dev/prune"  # "never" keeps an object whatever Git says

_NONE: set[str] = set()  # nothing is ever added to it

Judge = Callable[[Mapping[str, Any]], tuple[HealthState, str]]


@dataclass(frozen=True, slots=True)
class Live:
    """One managed object."""

    id: str
    unit: str
    digest: str  # of the desired object that was applied last, as the object itself says
    uid: str
    version: str
    fields: Owned
    state: HealthState
    message: str
    deleting: str = ""  # the finalizers that a deletion waits for, "-" without one
    protected: bool = False
    raw: bytes = b""  # the object, until it was compared
    lost: tuple[str, ...] = ()  # fields that are no longer as applied
    yielded: frozenset[str] = frozenset()
    told: tuple[Symptom, ...] = ()  # what its own status says is wrong
    look_ms: int = 0  # from when on it is worth a look though it is healthy
    keeper: Keeper | None = None  # who else applies it, by its marks

    @property
    def settled(self) -> bool:
        return not self.lost and not self.raw

    def object(self) -> dict[str, Any]:
        found: dict[str, Any] = jsons.read(zlib.decompress(self.raw))
        return found


@dataclass(frozen=True, slots=True)
class _News:
    """What a watch said of an object that is being applied; without an object: that it is gone."""

    version: str
    kind: Kind | None = None
    obj: Mapping[str, Any] | None = None
    listed: bool = False
    uid: str = ""


def object_id(kind: Kind, obj: Mapping[str, Any]) -> str:
    metadata = obj.get("metadata") or {}
    inside = f"{metadata.get('namespace', '')}/" if kind.namespaced else ""
    return f"{kind.name}/{inside}{metadata.get('name', '')}"


def place(object_id: str) -> str:
    """What one watch is about: a kind, wherever its objects are; Secrets of one namespace, so that nobody has to grant more."""
    kind, _, rest = object_id.partition("/")
    return f"{kind}/{rest.partition('/')[0]}" if kind == SECRETS and "/" in rest else kind


class LiveStore:
    """Every managed object, by unit. `changed` names units of which something changed since it was asked last."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.wake: Callable[[], None] = _nobody
        self.rules: dict[str, tuple[FieldRule, ...]] = {}  # of units, as they were planned last
        self.unwatched: dict[str, str] = {}  # places that may not be watched, and why: nobody knows how their objects are
        self._units: dict[str, dict[str, Live]] = {}
        self._digests: dict[str, dict[str, str]] = {}  # by unit, of all its objects: most questions ask no more
        self._restless: dict[str, set[str]] = {}  # by unit, objects that are not settled or are being deleted
        self._where: dict[str, str] = {}
        self._settled: dict[str, tuple[str, Owned]] = {}  # id -> digest and fields when it was as desired
        self._changed: set[str] = set()
        self._waiting: dict[str, _News | None] = {}  # of what is being applied: its newest news
        self._buried: set[str] = set()  # uids that the server said it deleted, until the watch says so too

    def judge_by(self, judge: Judge) -> None:
        """Whatever is seen next is judged anew, also what has not changed."""
        self._judge = judge
        for live in [o for objects in self._units.values() for o in objects.values()]:
            self._put(dataclasses.replace(live, version=""))

    def judged(self, obj: Mapping[str, Any]) -> tuple[HealthState, str]:
        """An object that is not kept here, by the same rules."""
        return self._judge(obj)

    def unit(self, unit: str) -> Mapping[str, Live]:
        known = self._units.get(unit, {})
        return {i: live for i, live in known.items() if not self.unseen(i)} if self.unwatched else dict(known)

    def digests(self, unit: str) -> dict[str, str]:
        """Of the desired objects that were applied last, as the objects themselves say."""
        known = self._digests.get(unit, {})
        return {i: digest for i, digest in known.items() if not self.unseen(i)} if self.unwatched else dict(known)

    def restless(self, unit: str) -> Mapping[str, Live]:
        """The few that are not settled or are being deleted."""
        known, few = self._units.get(unit, {}), tuple(self._restless.get(unit, ()))
        return {i: live for i in few if (live := known.get(i)) and not (self.unwatched and self.unseen(i))}

    def unseen(self, object_id: str) -> str:
        """Why nobody knows how this object is, "" when it is known."""
        return self.unwatched.get(place(object_id), "") if self.unwatched else ""

    def inventory(self) -> dict[str, str]:
        return dict(self._where)

    def get(self, object_id: str) -> Live | None:
        found = self._units.get(self._where.get(object_id, ""), {}).get(object_id)
        return None if self.unwatched and self.unseen(object_id) else found

    def changed(self) -> frozenset[str]:
        found, self._changed = frozenset(self._changed), set()
        return found

    @contextmanager
    def applying(self, object_id: str) -> Iterator[None]:
        """Inside, news of this object waits. Afterwards it is taken when it is newer than what `applied` was told, if it was."""
        self._waiting[object_id] = None
        try:
            yield
        finally:
            news = self._waiting.pop(object_id)
            if news is not None:
                self._take(object_id, news)

    def news(self, kind: Kind, obj: Mapping[str, Any], *, listed: bool) -> str:
        """From a list or a watch: the object's id."""
        at = object_id(kind, obj)
        if at in self._waiting:
            self._wait(at, _News(str(obj["metadata"].get("resourceVersion", "")), kind, obj, listed))
        else:
            self.seen(kind, obj, listed=listed)
        return at

    def no_more(self, object_id: str, uid: str, version: str) -> None:
        """From a watch, or because a list of this version lacks it."""
        if object_id in self._waiting and uid not in self._buried:
            self._wait(object_id, _News(version, uid=uid))
        else:
            self.gone(object_id, uid)

    def seen(self, kind: Kind, obj: Mapping[str, Any], *, listed: bool = False) -> Live:
        """From a list or a watch: what is new since our own answer is looked at. A list is believed also where it looks older: a
        cluster that was restored from a backup counts anew.
        """
        metadata = obj["metadata"]
        at = object_id(kind, obj)
        held = self.get(at)
        version = str(metadata.get("resourceVersion", ""))
        if held is not None and (version == held.version or not (listed or _newer(version, held.version))):
            return held
        live = self._live(at, obj)
        if live.uid in self._buried:
            return live
        given = held.yielded if held else frozenset()
        if back := returned(obj, given):
            given = given - back
            self._settled.pop(at, None)  # to be compared anew
        known = self._settled.get(at)
        if known is None or known[0] != live.digest:
            live = dataclasses.replace(live, raw=zlib.compress(jsons.write(obj), 1), yielded=given)
        else:
            lost = live.fields.changed(known[1])
            if yielded := theirs(self.rules.get(live.unit, ()), at, obj, lost):
                self._settled[at] = (known[0], known[1].without(yielded))
            live = dataclasses.replace(live, lost=tuple(p for p in lost if p not in yielded), yielded=given | yielded)
        self._put(live)
        if held is None or not live.settled or _news(held) != _news(live):
            self._changed.add(live.unit)
            self.wake()
        return live

    def applied(self, kind: Kind, obj: Mapping[str, Any]) -> Live:
        """From the answer to our own apply: this is what settled looks like."""
        at = object_id(kind, obj)
        held = self.get(at)
        live = self._live(at, obj)
        self._settled[at] = (live.digest, live.fields)
        if held is not None:
            live = dataclasses.replace(live, yielded=held.yielded)
        self._put(live)
        if (news := self._waiting.get(at)) is not None and not _newer(news.version, live.version):
            self._waiting[at] = None  # the echo, or what was before
        return live

    def compared(self, live: Live, lost: tuple[str, ...], yielded: frozenset[str]) -> None:
        """Somebody compared it with what is desired: `lost` is not as desired, `yielded` is a scaler's."""
        if self.get(live.id) is not live:
            return  # it has changed meanwhile
        if not lost:
            self._settled[live.id] = (live.digest, live.fields)
        self._put(dataclasses.replace(live, raw=b"", lost=lost, yielded=yielded))

    def yields(self, live: Live, yielded: frozenset[str]) -> None:
        """Somebody saw whose these fields are, and compared nothing."""
        if self.get(live.id) is live and yielded != live.yielded:
            self._put(dataclasses.replace(live, yielded=yielded))

    def deleted(self, live: Live) -> None:
        """The server deleted it on our word. Older news of it that are still on their way are not believed."""
        if self.get(live.id) is not None:
            self._buried.add(live.uid)
            self.gone(live.id)

    def gone(self, object_id: str, uid: str = "") -> None:
        if uid in self._buried:
            self._buried.discard(uid)
            return
        unit = self._where.pop(object_id, "")
        self._settled.pop(object_id, None)
        if self._drop(unit, object_id):
            self._changed.add(unit)
            self.wake()

    def at(self, watched: str) -> frozenset[str]:
        """What is held of one place."""
        return frozenset(i for i in self._where if i.startswith(watched + "/"))

    def _wait(self, at: str, news: _News) -> None:
        """A list may look older and be right (see `seen`); so it counts whatever waited before."""
        before = self._waiting[at]
        if before is None or news.listed or _newer(news.version, before.version):
            self._waiting[at] = news

    def _take(self, at: str, news: _News) -> None:
        if news.obj is not None and news.kind is not None:
            self.seen(news.kind, news.obj, listed=news.listed)
        else:
            self.gone(at, news.uid)

    def _live(self, at: str, obj: Mapping[str, Any]) -> Live:
        metadata = obj["metadata"]
        labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
        state, message = self._judge(obj)
        deleting = ",".join(metadata.get("finalizers") or ()) or "-" if metadata.get("deletionTimestamp") else ""
        return Live(
            at,
            labels.get(UNIT, ""),
            notes.get(DIGEST, ""),
            metadata.get("uid", ""),
            metadata.get("resourceVersion", ""),
            owned(obj),
            state,
            message,
            deleting,
            notes.get(PROTECT) == "never",
            told=told(at.partition("/")[0], obj),
            look_ms=worth_a_look_ms(at.partition("/")[0], obj),
            keeper=keeper(at, metadata),
        )

    def _put(self, live: Live) -> None:
        before = self._where.get(live.id)
        if before is not None and before != live.unit:
            self._drop(before, live.id)
            self._changed.add(before)
        self._where[live.id] = live.unit
        self._units.setdefault(live.unit, {})[live.id] = live
        self._digests.setdefault(live.unit, {})[live.id] = live.digest
        if live.settled and not live.deleting:
            self._restless.get(live.unit, _NONE).discard(live.id)
        else:
            self._restless.setdefault(live.unit, set()).add(live.id)

    def _drop(self, unit: str, object_id: str) -> bool:
        self._digests.get(unit, {}).pop(object_id, None)
        self._restless.get(unit, _NONE).discard(object_id)
        return self._units.get(unit, {}).pop(object_id, None) is not None


def _nobody() -> None:
    """Nobody wants to be told."""


def _news(live: Live) -> tuple[object, ...]:
    """What of a settled object somebody waits to hear."""
    return live.state, live.deleting, {s.kind for s in live.told}


def _newer(version: str, held: str) -> bool:
    """Versions of one kind are numbers that grow; where a server does not keep to that, any other one counts as newer."""
    return int(version) > int(held) if version.isdigit() and held.isdigit() else version != held
