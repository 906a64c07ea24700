"""Learning: every hour, what failed lately is told to whoever learns from it how failures announce themselves.

In: the incidents of the last two days. Out: nothing that the loop waits for: the detectors find what was learned in a file. Only
what really happened counts: not what was foreseen, and not a target that differs from Git.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.cases import Case, Stage
from reconciler.model.findings import LESSONS as NOTED
from reconciler.model.signals import Signal
from reconciler.ports.analyst import LESSONS, Inquiry, Outage
from reconciler.steps.maintenance import lately
from reconciler.steps.progress import progress, readable
from reconciler.steps.world import World

HOUR_MS = 3_600_000
BACK_MS = 48 * HOUR_MS  # raw samples are kept as long
MOST_CASES = 1_000
MOST = 500  # outages, the newest


def learn(world: World) -> bool:
    """Asks when an hour has gone by, and notes the answer when it is there. Never work for the loop: always False."""
    if world.learner is None or world.cursor.applied is None:
        return False
    now, outlook = world.clock.now(), world.cursor.outlook
    if LESSONS not in outlook.asked:
        if now < outlook.due.setdefault(LESSONS, now + HOUR_MS):
            return False
        outlook.asked[LESSONS], outlook.due[LESSONS] = lessons(world, now), now + HOUR_MS
    answer = world.learner.ask(outlook.asked[LESSONS])
    if answer is None:
        return False
    del outlook.asked[LESSONS]
    if answer.missing:
        world.meters.fault("learn", answer.missing)
        return False
    world.meters.well("learn", did=True)
    text = "; ".join(finding.text for finding in answer.findings)
    if text != world.store.noted(NOTED):
        world.store.note(NOTED, text)
    return False


def lessons(world: World, now_ms: int) -> Inquiry:
    start = now_ms - BACK_MS
    found = sorted(outages(world.store.cases(limit=MOST_CASES), start, now_ms), key=lambda one: (one.start_ms, one.component))
    return Inquiry(start, now_ms, maintenance=lately(world, start, now_ms), outages=tuple(found[-MOST:]), detectors=(LESSONS,))


def outages(cases: Iterable[Case], start_ms: int, now_ms: int) -> Iterator[Outage]:
    """Of each case one a component: from what was claimed first to what was claimed last, or to now while the case is open."""
    for case in cases:
        signals = [one for one in progress(case).incident.signals if _happened(one)] if readable(case) else []
        for component in sorted({one.component for one in signals}):
            own = [one for one in signals if one.component == component]
            begun = min(one.started_ms for one in own)
            over = now_ms if case.stage is not Stage.DONE else max(one.received_ms for one in own)
            if start_ms <= begun <= now_ms:
                yield Outage(component, begun, min(now_ms, max(begun, over)))


def _happened(signal: Signal) -> bool:
    return bool(signal.component) and not signal.foretold and not signal.source.startswith("drift/")
