"""Scoring: how well the whole system is, once a minute, from what is measured; for people, and nothing is decided by it.

In: the telemetry, the cases with a pattern that spreads, and who is worked on, whom it leaves out. Out: the store's note, which
`homeostat status` and the page show. Telemetry that is old or does not answer is no score: the last one is taken away, so that
nobody reads it as today's.
"""

from __future__ import annotations

import json
import math

from reconciler.analysis.health_score import HealthScore, Vital, health_score
from reconciler.analysis.robust import median
from reconciler.errors import Retryable
from reconciler.model.canonical import number, plain
from reconciler.model.scores import NOTED, Lost, SystemScore
from reconciler.model.telemetry import Topology
from reconciler.steps.maintenance import Rest
from reconciler.steps.progress import progress, readable
from reconciler.steps.world import World

EVERY_MS = 60_000
NOW_MS = 60_000  # what "now" is the median of
USUAL_MS = (3_600_000, 300_000)  # from, and until so long ago
BLIND_AFTER_MS = 60_000
MAX_COMPONENTS = 200
TOLD = 20  # losses
LATENCY = "latency_p99"
SHARES = ("cpu_usage", "memory_usage", "database_connections")  # of a limit


def score(world: World) -> bool:
    """Makes the score anew when its minute has come."""
    now = world.clock.now()
    if now < world.cursor.scored_ms:
        return False
    world.cursor.scored_ms = now + EVERY_MS
    try:
        world.cursor.score = _scored(world, now)
    except Retryable:
        world.cursor.score = None
    world.store.note(NOTED, json.dumps(plain(world.cursor.score)) if world.cursor.score else "")
    return False


def _scored(world: World, now: int) -> SystemScore | None:
    if not now - BLIND_AFTER_MS <= world.telemetry.newest_ms() <= now + BLIND_AFTER_MS:
        return None
    topology: Topology = world.telemetry.topology()
    looked_at = topology.components[:MAX_COMPONENTS]
    rest = Rest(world)
    resting = rest.during(looked_at, now, NOW_MS)  # until "now" holds nothing of the window
    vitals = {component: _vital(world, component, now, rest) for component in looked_at if component not in resting}
    found = health_score(vitals, topology.calls, _patterned(world))
    return _told(found, now, tuple(sorted(resting))) if found else None


def _vital(world: World, component: str, now: int, rest: Rest) -> Vital:
    def level(metric: str, start: int = NOW_MS, end: int = 0) -> float:
        return median(rest.outside(world.telemetry.series(component, metric, now - start, now - end)))

    usual, wanted = level(LATENCY, *USUAL_MS), level("replicas_desired")
    full = [share for metric in SHARES if not math.isnan(share := level(metric))]
    return Vital(
        errors=level("error_rate"),
        latency=level(LATENCY) / usual if usual > 0 else math.nan,
        full=max(full, default=math.nan),
        ready=level("replicas_ready") / wanted if wanted > 0 else math.nan,
    )


def _patterned(world: World) -> frozenset[str]:
    """Who takes part in a pattern that spreads."""
    diagnosed = [progress(case) for case in world.store.cases(open_only=True) if readable(case)]
    return frozenset(c for p in diagnosed if p.diagnosis and p.diagnosis.cascading for c in p.incident.components)


def _told(found: HealthScore, now: int, resting: tuple[str, ...]) -> SystemScore:
    told = [(loss, round(loss.points, 1)) for loss in found.losses[:TOLD]]
    lost = tuple(Lost(loss.component, loss.kind, number(points)) for loss, points in told if points)
    return SystemScore(now, number(round(found.score, 1)), lost, found.unknown[:MAX_COMPONENTS], resting)
