"""Sensing: measurements in, signals out. Sensors are asked again only when there is something new to look at."""

from __future__ import annotations

import json

from reconciler.signals import SensorState, evaluate
from reconciler.steps.maintenance import Rest
from reconciler.steps.world import World

STATE = "sensors"
SENSE_EVERY_MS = 5_000  # also without new samples: silence is data, too


def scrape(world: World) -> bool:
    """New samples from the sources whose time has come."""
    now = world.clock.now()
    if not world.scraper.due(now):
        return False
    stored = world.scraper.scrape(now)
    if world.scraper.faults:  # one silent source does not stop the others, and is not hidden by them
        world.meters.fault("scrape", "; ".join(world.scraper.faults))
        return False
    return stored > 0


def sense(world: World) -> bool:
    """The sensors of the last good revision over the newest samples; their signals are stored before they count."""
    newest, now = world.telemetry.newest_ms(), world.clock.now()
    due = now - now % SENSE_EVERY_MS
    if max(newest if newest <= now else due, due) <= world.cursor.sensed_ms:  # nobody waits for what is from the future
        return False
    if world.cursor.sensors is None:
        stored = world.store.noted(STATE)
        world.cursor.sensors = SensorState(json.loads(stored)) if stored else SensorState()
    found = evaluate(world.applied_rulebook().sensors, world.telemetry, world.cursor.sensors, now, Rest(world).until)
    if found.signals:
        world.store.accept(found.signals)
    if found.state != world.cursor.sensors:
        world.store.note(STATE, json.dumps(dict(found.state.firing), sort_keys=True))
    world.cursor.sensors = found.state
    world.cursor.sensed_ms = now
    return bool(found.signals)
