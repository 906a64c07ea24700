"""Evidence as typed facts. The sentences are written here from checked names and numbers, never copied from telemetry."""

from __future__ import annotations

from reconciler.diagnosis.commits import Touch
from reconciler.diagnosis.roots import Root
from reconciler.diagnosis.sight import Reading, Sight
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


def of_growth(sight: Sight, component: str, limit: float) -> Evidence:
    grown = sight.memory[component]
    text = f"memory of {component} grows steadily and is at {number(grown.level)} of its limit"
    left = number(grown.seconds_to(limit))
    return Evidence("shift", component, "memory_usage", number(grown.per_second), number(grown.level), left, text)


def of_absence(component: str, text: str) -> Evidence:
    return Evidence("absence", component, "", "", "", "0", text)
