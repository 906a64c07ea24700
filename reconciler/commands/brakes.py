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
from reconciler.steps.office import Office

MAX_MS = 30 * 86_400_000  # a stop that outlives a month has been forgotten


def put_on(office: Office, person: Person, reason: str, duration_ms: int) -> Brake:
    """A brake in force at once: the loop reads it from the log before every merge."""
    require(office, person, Role.OPERATE)
    if not 0 < duration_ms <= MAX_MS:
        raise Permanent("a brake lasts between a moment and thirty days", next_step="--for 2h")
    now = office.clock.now()
    return _kept(office, Brake(f"brake-{digest([person.name, reason, now])[7:15]}", person.name, reason[:500], now + duration_ms))


def suspend(office: Office, person: Person, unit: str, reason: str, duration_ms: int) -> Brake:
    """Nothing of a unit is applied, corrected or pruned: a brake that binds people's merges, too."""
    known = office.standing().index.by_name
    if unit not in known:
        raise Permanent(f"there is no unit {unit!r}", next_step=nearest(unit, known))
    require(office, person, Role.OPERATE, (unit,))
    if not 0 < duration_ms <= MAX_MS:
        raise Permanent("a suspension lasts between a moment and thirty days", next_step="--until 2h")
    now = office.clock.now()
    made = f"suspend-{digest([person.name, unit, reason, now])[7:15]}"
    return _kept(office, Brake(made, person.name, reason[:500], now + duration_ms, unit, suspends=True))


def resume(office: Office, person: Person, unit: str) -> list[Brake]:
    """Everything that suspends the unit is lifted; what Git says of it by now is applied."""
    require(office, person, Role.OPERATE, (unit,))
    found = [brake for brake in brakes(office) if brake.suspends and brake.scope == unit]
    if not found:
        raise Permanent(f"unit {unit!r} is not suspended", next_step="homeostat brake list")
    return [_kept(office, dataclasses.replace(brake, on=False, owner=person.name)) for brake in found]


def _kept(office: Office, brake: Brake) -> Brake:
    """In the log before anybody is told."""
    office.keep(brake_record(brake, office.clock.stamp()))
    office.publish()
    return brake


def take_off(office: Office, person: Person, brake_id: str) -> Brake:
    """Lifted by a person who may; the record says who."""
    fact = office.ledger.facts().brakes.get(brake_id)
    require(office, person, Role.OPERATE, (fact.value.scope,) if fact and fact.value.suspends else ())
    if fact is None or not fact.value.on:
        raise Permanent(f"no brake {brake_id!r} is on", next_step="homeostat brake list")
    return _kept(office, dataclasses.replace(fact.value, on=False, owner=person.name))


def brakes(office: Office) -> list[Brake]:
    """Those in force."""
    now = office.clock.now()
    return [f.value for f in office.ledger.facts().brakes.values() if f.value.on and now < f.value.until_ms]


def hold_id(fact: Fact[Hold]) -> str:
    return f"hold-{fact.id.removeprefix('sha256:')[:8]}"


def holds(office: Office) -> list[tuple[str, Hold]]:
    """Those in force, by the id that people use."""
    return [(hold_id(f), f.value) for f in office.ledger.facts().held(office.clock.now())]


def release(office: Office, person: Person, wanted: str) -> Hold:
    """The machine may propose again what a person undid; the patch itself stays remembered."""
    require(office, person, Role.OPERATE)
    found = dict(holds(office)).get(wanted)
    if found is None:
        raise Permanent(f"no hold {wanted!r} is in force", next_step="homeostat brake list")
    lifted = dataclasses.replace(found, released=True, owner=person.name, patches=())
    office.keep(hold_record(lifted, office.clock.stamp()))
    office.publish()
    return lifted
