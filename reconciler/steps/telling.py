"""Telling: what targets say is wrong with what they hold becomes signals, and is asked again by whoever has to know.

All units are asked about every minute; in between those that something is wrong with, every two seconds, and those that were
converged or that a target told news of, for a few minutes: what a change breaks shows later than the change. Of a target that
tells no news all units are asked about every few seconds. A target that does not answer changes nothing. A brake stops no
signal.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from reconciler.errors import Retryable
from reconciler.model import canonical
from reconciler.model.signals import Incident, Signal
from reconciler.model.troubles import Trouble
from reconciler.ports.target import News, Telling
from reconciler.signals import Tellings, hear
from reconciler.steps.maintenance import Rest
from reconciler.steps.rulebook import Rulebook
from reconciler.steps.world import World

STATE = "troubles"
ASK_MS = 2_000
ASK_ALL_MS = 60_000
ASK_SILENT_MS = 5_000  # a target that tells no news
RESTLESS_MS = 180_000  # how long after news of a unit it is looked at


def note_news(world: World, units: Iterable[str]) -> None:
    """Something happened to these units."""
    until = world.clock.now() + RESTLESS_MS
    world.cursor.restless.update(dict.fromkeys(units, until))


def listen(world: World) -> bool:
    """What is due to be asked; signals are stored before the state that says they were."""
    if not world.cursor.applied:
        return False
    now, rules = world.clock.now(), world.applied_rulebook()
    if now < world.cursor.asked_ms + ASK_MS:
        return False
    before = _state(world)
    state = Tellings({key: one for key, one in before.standing.items() if one.target in world.targets})
    signals, resting = list[Signal](), Rest(world).now
    for name, units in _due(world, rules, before, now).items():
        troubles = _asked(world, name, units)
        if troubles is None:
            continue
        left = {s.trouble.unit for s in state.standing.values() if s.target == name} - _sent_to(rules, name)
        percent = rules.installation.spec.grouping.trouble_hold_percent
        found = hear(state, name, units | left, troubles, now, percent, resting)
        state, signals = found.state, [*signals, *found.signals]
    world.cursor.asked_ms = now
    if signals:
        world.store.accept(signals)
    if state != before:
        world.store.note(STATE, json.dumps(canonical.plain(state), sort_keys=True))
    world.cursor.told = state
    return bool(signals)


def troubles_now(world: World, units: Collection[str]) -> tuple[Trouble, ...] | None:
    """What is wrong with these units at this moment; None when it cannot be known of each of them."""
    rules, found = world.applied_rulebook(), list[Trouble]()
    by_target: dict[str, set[str]] = {}
    for unit in units:
        if unit not in rules.index.by_name:
            return None
        by_target.setdefault(rules.index.by_name[unit].target, set()).add(unit)
    for name, wanted in sorted(by_target.items()):
        told = _asked(world, name, frozenset(wanted))
        if told is None:
            return None
        found += told
    return tuple(found)


def told_of(world: World, incident: Incident) -> tuple[Trouble, ...] | None:
    """What is wrong now with the units that an incident's targets named. A unit that is gone has no trouble."""
    known = world.applied_rulebook().index.by_name
    named = {dict(signal.labels).get("unit", "") for signal in incident.signals if signal.told}
    return troubles_now(world, named & known.keys())


def _state(world: World) -> Tellings:
    if world.cursor.told is None:
        stored = world.store.noted(STATE)
        world.cursor.told = canonical.decode(Tellings, json.loads(stored)) if stored else Tellings()
    return world.cursor.told


def _due(world: World, rules: Rulebook, state: Tellings, now: int) -> dict[str, frozenset[str]]:
    """The units to ask each target about."""
    cursor = world.cursor
    cursor.restless = {unit: until for unit, until in cursor.restless.items() if until > now}
    whole = now >= cursor.asked_all_ms + ASK_ALL_MS
    if whole:
        cursor.asked_all_ms = now
    lively = state.units | cursor.restless.keys()
    due = {}
    for name, target in world.targets.items():
        silent = not isinstance(target, News) and now // ASK_SILENT_MS > cursor.asked_ms // ASK_SILENT_MS
        units = _sent_to(rules, name) - cursor.elsewhere  # who converges them speaks for them: one trouble is one incident
        wanted = units if whole or silent else units & lively
        if isinstance(target, Telling) and wanted:
            due[name] = wanted
    return due


def _sent_to(rules: Rulebook, target: str) -> frozenset[str]:
    return frozenset(name for name, unit in rules.index.by_name.items() if unit.target == target)


def _asked(world: World, name: str, units: frozenset[str]) -> tuple[Trouble, ...] | None:
    """What one target says of these units and of nothing else; None when it cannot say."""
    target = world.targets.get(name)
    if not isinstance(target, Telling):
        return None
    try:
        return tuple(trouble for trouble in target.troubles(units) if trouble.unit in units)
    except Retryable as error:
        world.meters.fault("target", f"{name} could not say what is wrong: {error}")
        return None
