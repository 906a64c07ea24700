"""Brakes, suspensions and holds: owned, expiring stops, put on and lifted by people, kept in the log."""

from __future__ import annotations

import dataclasses

from reconciler.audit.facts import Brake, Hold, brake_record, hold_record
from reconciler.audit.view import Fact
from reconciler.commands.people import Person, require
from reconciler.documents.nearest import nearest
from reconciler.documents.trust import Role
from reconciler.errors import Permanent
from reconciler.model.canonical import digest
from reconciler.steps.world import World

MAX_MS = 30 * 86_400_000  # a stop that outlives a month has been forgotten


def put_on(world: World, person: Person, reason: str, duration_ms: int) -> Brake:
    """A brake in force at once: the loop reads it from the log before every merge."""
    require(world, person, Role.OPERATE)
    if not 0 < duration_ms <= MAX_MS:
        raise Permanent("a brake lasts between a moment and thirty days", next_step="--for 2h")
    now = world.clock.now()
    return _kept(world, Brake(f"brake-{digest([person.name, reason, now])[7:15]}", person.name, reason[:500], now + duration_ms))


def suspend(world: World, person: Person, unit: str, reason: str, duration_ms: int) -> Brake:
    """Nothing of a unit is applied, corrected or pruned: a brake that binds people's merges, too."""
    known = world.standing().index.by_name
    if unit not in known:
        raise Permanent(f"there is no unit {unit!r}", next_step=nearest(unit, known))
    require(world, person, Role.OPERATE, (unit,))
    if not 0 < duration_ms <= MAX_MS:
        raise Permanent("a suspension lasts between a moment and thirty days", next_step="--until 2h")
    now = world.clock.now()
    made = f"suspend-{digest([person.name, unit, reason, now])[7:15]}"
    return _kept(world, Brake(made, person.name, reason[:500], now + duration_ms, unit, suspends=True))


def resume(world: World, person: Person, unit: str) -> list[Brake]:
    """Everything that suspends the unit is lifted; what Git says of it by now is applied."""
    require(world, person, Role.OPERATE, (unit,))
    found = [brake for brake in brakes(world) if brake.suspends and brake.scope == unit]
    if not found:
        raise Permanent(f"unit {unit!r} is not suspended", next_step="homeostat brake list")
    return [_kept(world, dataclasses.replace(brake, on=False, owner=person.name)) for brake in found]


def _kept(world: World, brake: Brake) -> Brake:
    """In the log before anybody is told."""
    world.keep(brake_record(brake, world.clock.stamp()))
    world.publish()
    return brake


def take_off(world: World, person: Person, brake_id: str) -> Brake:
    """Lifted by a person who may; the record says who."""
    fact = world.ledger.facts().brakes.get(brake_id)
    require(world, person, Role.OPERATE, (fact.value.scope,) if fact and fact.value.suspends else ())
    if fact is None or not fact.value.on:
        raise Permanent(f"no brake {brake_id!r} is on", next_step="homeostat brake list")
    return _kept(world, dataclasses.replace(fact.value, on=False, owner=person.name))


def brakes(world: World) -> list[Brake]:
    """Those in force."""
    now = world.clock.now()
    return [f.value for f in world.ledger.facts().brakes.values() if f.value.on and now < f.value.until_ms]


def hold_id(fact: Fact[Hold]) -> str:
    return f"hold-{fact.id.removeprefix('sha256:')[:8]}"


def holds(world: World) -> list[tuple[str, Hold]]:
    """Those in force, by the id that people use."""
    return [(hold_id(f), f.value) for f in world.ledger.facts().held(world.clock.now())]


def release(world: World, person: Person, wanted: str) -> Hold:
    """The machine may propose again what a person undid; the patch itself stays remembered."""
    require(world, person, Role.OPERATE)
    found = dict(holds(world)).get(wanted)
    if found is None:
        raise Permanent(f"no hold {wanted!r} is in force", next_step="homeostat brake list")
    lifted = dataclasses.replace(found, released=True, owner=person.name, patches=())
    world.keep(hold_record(lifted, world.clock.stamp()))
    world.publish()
    return lifted
