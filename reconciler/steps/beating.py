"""The heartbeat: a sign of life that an outside Alertmanager can miss. It follows the wall clock, not the stepped one."""

from __future__ import annotations

from reconciler.steps.world import World


def beat(world: World, every_ms: int) -> bool:
    """One beat when its time has come."""
    now = world.clock.wall()
    if now < world.cursor.beat_ms + every_ms:
        return False
    world.cursor.beat_ms = now
    world.meters.beat(now)
    return True
