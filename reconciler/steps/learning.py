"""Learning: every hour, what failed lately is told to whoever learns from it how failures announce themselves.

In: the incidents of the last two days, and what is known of the two weeks that forecasts are learned from. Out: nothing that the
loop waits for: the detectors find what was learned in files. Only what really happened counts, and not a target that differs from
Git. What was foreseen and did not happen, or claimed and not seen, is told as such: it was no failure, and no calm time either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from reconciler.model.cases import Case, Stage
from reconciler.model.findings import FORESIGHT
from reconciler.model.reasons import Reason
from reconciler.model.signals import Signal
from reconciler.ports.analyst import Inquiry, Outage
from reconciler.steps.maintenance import windows
from reconciler.steps.occasions import occasions
from reconciler.steps.outlook import FAR
from reconciler.steps.progress import progress, readable
from reconciler.steps.world import World

STATE = "lessons-by-detector"
LESSONS = "lessons"  # among what the outlook has asked for
HOUR_MS = 3_600_000
BACK_MS = 48 * HOUR_MS  # in which outages are looked for: raw samples are kept as long
MOST_CASES = 1_000
MOST = 500  # outages, the newest


def learn(world: World) -> bool:
    """Asks when an hour has gone by, and notes the answer when it is there. Never work for the loop: always False."""
    if world.learner is None or world.cursor.applied is None:
        return False
    now, outlook = world.clock.now(), world.cursor.outlook
    if LESSONS not in outlook.asked:
        if 0 < outlook.due.setdefault(LESSONS, now + HOUR_MS) - now <= HOUR_MS:  # further ahead: the clock was set back
            return False
        outlook.asked[LESSONS], outlook.due[LESSONS] = lessons(world, now), now + HOUR_MS
    answer = world.learner.ask(outlook.asked[LESSONS])
    if answer is None:
        return False
    del outlook.asked[LESSONS]
    if answer.missing:
        world.meters.fault("learn", answer.missing)
    else:
        world.meters.well("learn", did=True)
    known: dict[str, str] = json.loads(world.store.noted(STATE) or "{}")
    said = known | {finding.detector: finding.text for finding in answer.findings}
    if said != known:
        world.store.note(STATE, json.dumps(said, sort_keys=True))
        world.store.note(FORESIGHT, "; ".join(text for _, text in sorted(said.items())))
    return False


def lessons(world: World, now_ms: int) -> Inquiry:
    cases, start = world.store.cases(limit=MOST_CASES), now_ms - FAR.back_ms
    found = sorted(outages(cases, now_ms - BACK_MS, now_ms), key=lambda one: (one.start_ms, one.component))
    rules = world.applied_rulebook()
    return Inquiry(
        start, now_ms, occasions=occasions(rules.calendars, start, now_ms), maintenance=windows(rules, start, now_ms),
        outages=tuple(found[-MOST:]),
    )  # fmt: skip


def outages(cases: Iterable[Case], start_ms: int, now_ms: int) -> Iterator[Outage]:
    """Of each case one a component, from what was claimed first until the case was done, or to now while it is open: those of
    which some lies between start and now.
    """
    for case in cases:
        over = now_ms if case.stage is not Stage.DONE else case.due_ms
        if over < start_ms:  # most are; what is in them takes milliseconds each to read
            continue
        found = progress(case) if readable(case) else None
        signals = [one for one in found.incident.signals if _counts(one)] if found else []
        unseen = found is not None and found.diagnosis is None and case.reason == Reason.STALE.value
        for component in sorted({one.component for one in signals}):
            own = [one for one in signals if one.component == component]
            happened = [one for one in own if not one.foretold]
            begun = min(one.started_ms for one in happened or own)
            if begun <= now_ms:
                yield Outage(component, begun, min(now_ms, max(begun, over)), bool(happened) and not unseen)


def _counts(signal: Signal) -> bool:
    return bool(signal.component) and not signal.source.startswith("drift/")
