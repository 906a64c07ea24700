"""Incident memory in the lab: the loop's own diagnoses of drawn episodes, and whether what broke alike before is found again.

Half of the episodes have a bad change among several, half a fault that no change brought. What broke is one of: a slow or failing
release, a leak with or without one, a setting, a surge, a slow database; the portrait does not say which. Each episode is asked
for once. "Elsewhere": only episodes in which another component broke may be found.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from figures import Figure

from reconciler.steps.portraying import pictured

from .lab_episodes import Dice, Drawn, ask, staged, watch
from .lab_site import Change, History, scratch
from .memory import Past, fault, recall

FIRST_SEED, EPISODES = 7_000, 100
ATTEMPTS = 50


def figures(_: Path) -> Iterator[Figure]:
    with scratch() as folder:
        history = History(folder)
        past = [played(history, seed) for seed in range(FIRST_SEED, FIRST_SEED + EPISODES)]
    asked = range(len(past))
    yield from recall("memory lab", past, asked, asked, fault)
    yield from recall("memory lab, elsewhere", past, asked, asked, fault, elsewhere=True)


def played(history: History, seed: int) -> Past:
    """The first draw of this seed that raises an alarm, diagnosed as the loop does."""
    kind = "changed" if seed % 2 else "unchanged"
    for attempt in range(ATTEMPTS):
        drawn: Drawn = getattr(Dice(seed, attempt, history), kind)()
        with staged(history, seed, drawn) as site:
            incident = watch(site, random.Random(f"alarm/{seed}/{attempt}"), drawn.trouble_s)
            if incident and incident.signals[0].started_ms >= site.start_ms + drawn.trouble_s * 1_000:
                looked = pictured(incident, ask(site, incident), site.telemetry, lambda _, __: "")
                return Past("lab", broke(drawn), drawn.broken, looked)
    raise ValueError(f"seed {seed} raises no alarm")


def broke(drawn: Drawn) -> str:
    """What kind of thing it was."""
    bad = next((e for e in drawn.events if isinstance(e, Change) and e.bad), None)
    if bad is None:
        return drawn.fault
    return str(bad.faults[0].get("mode", bad.faults[0]["kind"])) if bad.faults else "setting"
