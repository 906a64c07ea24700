"""Evidence as typed facts. The sentences are written here from checked names and numbers, never copied from telemetry."""

from __future__ import annotations

from reconciler.analysis.growth import Growth
from reconciler.diagnosis.commits import Touch
from reconciler.diagnosis.metrics import MEMORY, RESTARTS, WATCHED
from reconciler.diagnosis.roots import Root
from reconciler.diagnosis.sight import Reading
from reconciler.model.canonical import number
from reconciler.model.diagnosis import Evidence


def of_shift(reading: Reading) -> Evidence:
    moved, before, after = reading.shift, number(reading.shift.before), number(reading.shift.after)
    text = f"{reading.metric} of {reading.component} went from {before} to {after}, {moved.effect:.1f} robust deviations"
    return Evidence("shift", reading.component, reading.metric, before, after, number(moved.effect), text)


def of_commit(touch: Touch) -> Evidence:
    field, before, after = touch.shown
    text = f"commit {touch.commit[:10]} changed {len(touch.fields)} field(s) of {touch.component}"
    return Evidence("commit", touch.component, field, before, after, str(len(touch.fields)), text)


def of_timing(touch: Touch, reading: Reading, onset_ms: int) -> Evidence:
    """`before` is when the commit was applied, `after` when the symptom began (both ms), `score` the seconds between."""
    delay = (onset_ms - touch.applied_ms) / 1_000
    text = f"{reading.metric} of {touch.component} began to rise {delay:.0f} s after commit {touch.commit[:10]} was applied"
    return Evidence("timing", touch.component, reading.metric, str(touch.applied_ms), str(onset_ms), number(delay), text)


def of_path(root: Root) -> Evidence:
    text = f"{root.component} is the deepest component with symptoms; it explains {len(root.explains)} of its callers"
    return Evidence("topology", root.component, "calls", root.path[0], root.component, str(len(root.explains)), text)


def of_growth(component: str, grown: Growth) -> Evidence:
    """`before` is the growth per second, `after` the level now, `score` the share of time in which it rose."""
    text = f"memory of {component} rose {number(100 * grown.rising)} % of the time and is at {number(grown.level)} of its limit"
    return Evidence("growth", component, MEMORY, number(grown.per_second), number(grown.level), number(grown.rising), text)


def of_growth_since(touch: Touch, since_ms: int) -> Evidence:
    """As `of_timing`, of a growth that has no clear edge."""
    delay = (since_ms - touch.applied_ms) / 1_000
    text = f"memory of {touch.component} began to grow about {delay:.0f} s after commit {touch.commit[:10]} was applied"
    return Evidence("timing", touch.component, MEMORY, str(touch.applied_ms), str(since_ms), number(delay), text)


def of_kills(component: str, kills: float, peak: float) -> Evidence:
    """Restarts in the last minutes, in the robust deviations in which every other shift is given."""
    text = f"{component} restarted {number(kills)} times after its memory reached {number(peak)} of its limit"
    return Evidence("shift", component, RESTARTS, "0", number(kills), number(kills / WATCHED[RESTARTS].absolute), text)


def of_absence(component: str, text: str) -> Evidence:
    return Evidence("absence", component, "", "", "", "0", text)
