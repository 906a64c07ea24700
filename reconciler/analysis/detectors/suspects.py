"""Which recent changes may have brought the trouble: joined to its causes by who is changed and when.

A change counts when it was made within `BEFORE_MS` before the trouble began (a little after, too: clocks differ, and a block
begins when it begins), to a cause, to something that a cause calls, or, when no cause is known, to anyone. The score falls with
the time between and with the distance: nobody fitted it, so it is told as a score and the confidence stays that of an even bet
at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reconciler.analysis.detectors.saying import Speaker, named
from reconciler.model.findings import Finding
from reconciler.ports.detector import Change, Window

BEFORE_MS = 3_600_000
AFTER_MS = 60_000
HALF_MS = 600_000  # a change this much earlier speaks half as loud
EVEN = 0.5
TOLD = 5


def suspects(speaker: Speaker, window: Window, causes: Sequence[str], since_ms: int) -> list[Finding]:
    """The likeliest changes first; `causes` are ranked."""
    rated = [(_score(change, window, causes, since_ms), change) for change in window.changes]
    likely = sorted((r for r in rated if r[0] > 0), key=lambda r: (-r[0], r[1].at_ms, r[1].component, r[1].what, r[1].commit))
    return [_said(speaker, change, score, since_ms) for score, change in likely[:TOLD]]


def _score(change: Change, window: Window, causes: Sequence[str], since_ms: int) -> float:
    apart = since_ms - change.at_ms
    if not -AFTER_MS <= apart <= BEFORE_MS:
        return 0.0
    near = _near(change.component, window, causes)
    return near * math.exp2(-max(apart, 0) / HALF_MS)


def _near(component: str, window: Window, causes: Sequence[str]) -> float:
    """1 for the first cause, less for the others and for what they call."""
    if not causes:
        return 0.5
    if component in causes:
        return 1.0 / (1 + causes.index(component))
    called = [causes.index(caller) for caller, callee in window.calls if callee == component and caller in causes]
    return 0.5 / (1 + min(called)) if called else 0.0


def _said(speaker: Speaker, change: Change, score: float, since_ms: int) -> Finding:
    apart = (since_ms - change.at_ms) / 1000
    when = f"{apart:.0f} s before the trouble began" if apart >= 0 else f"{-apart:.0f} s after the trouble is seen to begin"
    commit = f" (commit {named(change.commit)[:12]})" if change.commit else ""
    text = f"{named(change.what)} of {named(change.component)}{commit} was made {when}"
    values = {"score": score, "seconds_before": apart}
    return speaker.say("suspect", (change.component, ""), change.at_ms, EVEN * score, values, text)
