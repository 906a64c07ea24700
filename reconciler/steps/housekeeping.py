"""Keeping house: once a day, when no case is open, the repository is packed and settled signals of last week are forgotten.

A record leaves about nine loose objects; unpacked, a busy month would be a million files. A signal that comes again after a
week opens no case by its age alone: triage asks the present.
"""

from __future__ import annotations

import logging

from reconciler.steps.world import World

log = logging.getLogger(__name__)

EVERY_MS = 86_400_000
LATEST_MS = 3 * EVERY_MS  # by then also while cases are open
KEPT_MS = 7 * EVERY_MS
KEPT_HOUSE = "kept-house"


def keep_house(world: World) -> bool:
    """True when it was done. Failing, it is told by the turn and tried again a day later."""
    now = world.clock.now()
    if now < world.cursor.house_ms:
        return False
    since = int(world.store.noted(KEPT_HOUSE) or 0)
    if not 0 < since <= now:
        return _next(world, now)
    if now < since + EVERY_MS:
        world.cursor.house_ms = since + EVERY_MS
        return False
    if now < since + LATEST_MS and world.store.cases(open_only=True, limit=1):
        world.cursor.house_ms = now + 60_000
        return False
    _next(world, now)
    forgotten = world.store.prune(now - KEPT_MS)
    world.repo.maintain()
    log.info("house.kept", extra={"fields": {"signals_forgotten": forgotten}})
    return True


def _next(world: World, now: int) -> bool:
    """From here on it is a day until the next time, also for a process that is started meanwhile."""
    world.store.note(KEPT_HOUSE, str(now))
    world.cursor.house_ms = now + EVERY_MS
    return False
