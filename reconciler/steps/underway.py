"""Under way: an act that takes longer than a turn is gone on with, a little each time; and what each Operation waits for is told.

In: an Operation that the log has as started and not as ended. Out: how far it is, or its end. Nothing of it is kept here: a
process that comes after a crash goes on where the target says that it stands. No step of this begins anything.

1. The target that began it can be asked, and the act is one that lasts. Else nobody knows what became of it.
2. Its file is still there: removing the file ends it where it stands.
3. No brake: one that was put on since stops it where it stands. Its time goes on meanwhile.
4. The target goes on with it. One that does not answer is asked again; it ends by itself what takes too long.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from reconciler.converge.manners import manner_of
from reconciler.converge.operations import operation_path
from reconciler.documents.operation import OperationSpec
from reconciler.errors import HomeostatError, Permanent, Retryable
from reconciler.model.canonical import plain
from reconciler.model.operations import FAILED, FINISHED, INCOMPLETE, NOTED, REFUSED, UNKNOWN, Unfinished, noted
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted, Lasting, Operator
from reconciler.steps.world import World

RETRY_MS = 5_000  # between two looks at one that a brake or its target holds up
LOST = "it was started and its end was never recorded; it is not done again: look at the target"
REMOVED = "its file was removed while it was under way; what was done stays"


@dataclass(frozen=True, slots=True)
class Held:
    """Not now; looked at again `after_ms` later. One that has not begun is, until it expires."""

    reason: Reason
    detail: str
    after_ms: int = RETRY_MS


@dataclass(frozen=True, slots=True)
class Ended:
    """Over. `event` is "" when the log says so already."""

    event: str
    reason: Reason
    detail: str


def go_on(world: World, name: str, spec: OperationSpec | str) -> Held | Ended:
    """One look at one that has begun."""
    operator = None if isinstance(spec, str) else operator_of(world, spec)
    if isinstance(spec, str) or not isinstance(operator, Lasting) or spec.action not in operator.lasting():  # 1
        return Ended(UNKNOWN, Reason.UNKNOWN, LOST)
    if _removed(world, name):  # 2
        return Ended(INCOMPLETE, Reason.CLOSED, f"{REMOVED}: {_so_far(world, name) or 'it is not known how far it came'}")
    if on := brake(world, spec.unit, spec.component):  # 3
        return Held(Reason.BRAKED, f"{on} is on")
    try:
        return became(operator.go_on(act_of(world, name, spec)))  # 4
    except Retryable as error:
        return Held(Reason.ERROR, str(error))
    except HomeostatError as error:
        return Ended(UNKNOWN, Reason.UNKNOWN, f"nobody knows what became of it; it is not done again: {error}")


def became(acted: Acted) -> Held | Ended:
    """What the target's answer to the act itself means."""
    if acted.reason == Reason.WAITING.value:
        return Held(Reason.WAITING, acted.detail, acted.again_ms)
    if acted.ok:
        return Ended(FINISHED, Reason.APPLIED, acted.detail)
    if acted.reason == Reason.INCOMPLETE.value:
        return Ended(INCOMPLETE, Reason.INCOMPLETE, acted.detail)
    return Ended(FAILED, Reason.ERROR, f"the target refused it and did nothing: {acted.detail}")


def operator_of(world: World, spec: OperationSpec) -> Operator | Ended:
    unit = world.applied_rulebook().index.by_name.get(spec.unit)
    if unit is None:
        return Ended(REFUSED, Reason.INVALID, f"there is no unit {spec.unit}")
    target = world.targets.get(unit.target)
    if not isinstance(target, Operator):
        return Ended(REFUSED, Reason.INVALID, f"target {unit.target} of unit {spec.unit} cannot do one-shot acts")
    return target


def act_of(world: World, name: str, spec: OperationSpec) -> Act:
    """In the name that its unit is applied in."""
    user = manner_of(world.applied_rulebook().index.by_name[spec.unit]).user
    return Act(name, spec.unit, spec.action, spec.component, user)


def brake(world: World, unit: str, component: str) -> str:
    """A brake on everything, on the unit or on the component, however much of its name is said (`shop/web`, `web`)."""
    facts, now = world.ledger.facts(), world.clock.now()
    found = facts.braked(now, unit) or facts.braked(now, component) or facts.braked(now, component.rpartition("/")[2])
    return found.value.id if found else ""


def recall(world: World) -> None:
    """After a start: what was said last, so that nothing is said anew that has not changed."""
    world.cursor.unfinished_told = world.store.noted(NOTED)
    world.cursor.unfinished = {one.id: one for one in noted(world.cursor.unfinished_told)}


def say(world: World, name: str, spec: OperationSpec | str, held: Held, *, begun: bool) -> None:
    """What it waits for, for people; the time is that of the first saying."""
    about = "" if isinstance(spec, str) else f"{spec.action} {spec.component} of {spec.unit}"
    so_far = held.detail if held.reason is Reason.WAITING else _so_far(world, name)
    before = world.cursor.unfinished.get(name)
    begun = begun or (before is not None and before.begun)  # also while the log cannot be read
    said = Unfinished(name, about, begun, held.reason.value, held.detail, so_far, world.clock.now())
    if before is None or replace(before, at_ms=said.at_ms) != said:
        world.cursor.unfinished[name] = said


def tell(world: World) -> None:
    """Of all that is not over; written down when it is another word than before."""
    waiting = world.cursor.operations or {}
    world.cursor.unfinished = {name: one for name, one in world.cursor.unfinished.items() if name in waiting}
    text = json.dumps([plain(one) for _, one in sorted(world.cursor.unfinished.items())])
    if text != world.cursor.unfinished_told:
        world.store.note(NOTED, text)
        world.cursor.unfinished_told = text


def _removed(world: World, name: str) -> bool:
    try:
        return world.repo.read(world.cursor.applied or "", operation_path(name)) is None
    except Permanent:  # something else has this name now: the file that was merged is not there
        return True


def _so_far(world: World, name: str) -> str:
    last = world.cursor.unfinished.get(name)
    return last.so_far if last else ""
