"""The heartbeat: a sign of life that an outside Alertmanager can miss. It follows the wall clock, not the stepped one."""

from __future__ import annotations

import logging

from reconciler.steps.world import World

log = logging.getLogger(__name__)


def beat(world: World, every_ms: int) -> bool:
    """One beat when its time has come."""
    now = world.clock.wall()
    if now < world.cursor.beat_ms + every_ms:
        return False
    world.cursor.beat_ms = now
    world.meters.beat(now)
    log.info("heartbeat", extra={"fields": {"turns": world.cursor.turns, "log_size": world.ledger.position}})
    return True
