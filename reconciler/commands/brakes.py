"""Brakes and holds: owned, expiring stops, put on and lifted by people, kept in the log."""

from __future__ import annotations

import dataclasses

from reconciler.audit.facts import Brake, Hold, brake_record, hold_record
from reconciler.audit.view import Fact
from reconciler.commands.people import Person, require
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
    made = Brake(f"brake-{digest([person.name, reason, now])[7:15]}", person.name, reason[:500], now + duration_ms)
    world.keep(brake_record(made, world.clock.stamp()))
    world.publish()
    return made


def take_off(world: World, person: Person, brake_id: str) -> Brake:
    """Lifted by a person who may; the record says who."""
    require(world, person, Role.OPERATE)
    fact = world.ledger.facts().brakes.get(brake_id)
    if fact is None or not fact.value.on:
        raise Permanent(f"no brake {brake_id!r} is on", next_step="homeostat brake list")
    lifted = dataclasses.replace(fact.value, on=False, owner=person.name)
    world.keep(brake_record(lifted, world.clock.stamp()))
    world.publish()
    return lifted


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
