"""What can be seen: every watched metric of every component, before the trouble and in it.

The windows come first. The alert says when it fired, which is later than the trouble; so the first lasting departure of a
symptom of the components named by the incident is looked for, the reference ends just before it, and everything else is
measured against the same two windows. Telemetry that is old, short or fails to answer makes us blind: no finding at all.
Component names come from telemetry and are hostile text: what is no plain name is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.analysis.growth import Growth, growth, increase
from reconciler.analysis.growth import began as grew_since
from reconciler.analysis.robust import median, quantile
from reconciler.analysis.shifts import LEAST, Shift, cut, onset, shift
from reconciler.diagnosis.metrics import ERRORS, FAILING, MEMORY, RESTARTS, SYMPTOMS, WATCHED
from reconciler.errors import Retryable
from reconciler.model.signals import Incident, SignalStatus
from reconciler.model.telemetry import Series, Topology
from reconciler.ports.telemetry import Telemetry

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
MAX_COMPONENTS = 200
BLIND_AFTER_MS = 60_000  # twelve missed scrapes
REFERENCE_MS = 300_000
TROUBLE_MS = 120_000
LOOK_BACK_MS = 600_000  # an alert fires at most this long after the trouble began
FIRING_LAG_MS = 60_000  # samples this close before the alert are not trusted as reference
SPREADING_MS = 20_000  # the first moments of trouble, while it reaches the others, are left out
EARLIEST_MS = 25_000  # what must remain of it: six samples
MARGIN_MS = 10_000  # two scrapes between reference and trouble
PASSING_MS = 60_000
PASSED = 0.25  # of the height
FALLING = 0.67  # of it left after two scrapes: most of it will have gone when somebody asks again
CROWDED = 0.5  # of the memory: below it nobody asks since when it grows
GROWTH_MS = (900_000, 360_000, 180_000)  # a leak may be slow, or have begun minutes ago


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric of one component. `onset_ms` is None when it did not move or its beginning is not clear; `left` is what the
    newest samples still show of the most that the last minute showed.
    """

    component: str
    metric: str
    shift: Shift
    onset_ms: int | None
    left: float = 1.0


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that was read, once. `began_ms` is when the named components' symptoms began."""

    topology: Topology
    readings: Mapping[tuple[str, str], Reading]
    memory: Mapping[str, Growth]
    grew: Mapping[str, int]  # since when the memory of a component grows or grew, where that can be told
    kills: Mapping[str, float]  # restarts in the last minutes
    peaks: Mapping[str, float]  # of memory in the last minutes: after a kill the level itself is low
    before: tuple[int, int]
    after: tuple[int, int]
    began_ms: int

    def reading(self, component: str, metric: str) -> Reading | None:
        return self.readings.get((component, metric))

    def rose(self, component: str, metrics: Iterable[str]) -> tuple[Reading, ...]:
        """The metrics among these that rose, the strongest first."""
        found = [r for m in metrics if (r := self.reading(component, m)) and r.shift.rose]
        return tuple(sorted(found, key=lambda r: (-r.shift.effect, r.metric)))

    def symptoms(self, component: str) -> tuple[Reading, ...]:
        return self.rose(component, SYMPTOMS)

    def passing(self, named: Iterable[str], alarmed: Iterable[tuple[str, str]]) -> bool:
        """Whether what alarmed is going away by itself, as after a restart; all symptoms, where no metric alarmed."""
        found = [self.reading(component, metric) for component, metric in alarmed]
        shown = [r for r in found if r and r.shift.rose] or [r for component in named for r in self.symptoms(component)]
        return bool(shown) and all(reading.left < PASSED for reading in shown)

    def onset(self, component: str) -> int | None:
        """When the component's first symptom began."""
        return min((r.onset_ms for r in self.symptoms(component) if r.onset_ms is not None), default=None)


@dataclass(frozen=True, slots=True)
class Blind:
    """Why nothing can be said. Never evidence of anything."""

    why: str
    before: tuple[int, int]
    after: tuple[int, int]


def look(incident: Incident, telemetry: Telemetry, now_ms: int) -> Sight | Blind:
    """Reads what is needed, or says why it cannot."""
    fired = fired_ms(incident, now_ms)
    before, after = (fired - FIRING_LAG_MS - REFERENCE_MS, fired - FIRING_LAG_MS), (fired, now_ms)
    try:
        newest = telemetry.newest_ms()
        if newest < now_ms - BLIND_AFTER_MS or newest > now_ms + BLIND_AFTER_MS:
            return Blind("telemetry is not current", before, after)
        topology = plain_topology(telemetry.topology(), incident.components)
        named = [c for c in incident.components if c in topology.components] or list(topology.components)
        return _see(named, topology, telemetry, before, now_ms)
    except Retryable:
        return Blind("telemetry did not answer", before, after)


def fired_ms(incident: Incident, now_ms: int) -> int:
    """When the first alert says it fired, kept within what can be true."""
    started = [s.started_ms for s in incident.signals if s.status is SignalStatus.FIRING] or [incident.opened_ms]
    return min(max(min(started), now_ms - 3 * LOOK_BACK_MS), now_ms)


def plain_topology(topology: Topology, named: Iterable[str]) -> Topology:
    """The topology without names that are no plain names, and not larger than we can look at."""
    names = [c for c in {*topology.components, *named} if NAME.fullmatch(c)]
    kept = set(sorted(names, key=lambda c: (c not in set(named), c))[:MAX_COMPONENTS])
    return Topology(tuple(sorted(kept)), tuple(e for e in topology.calls if e[0] in kept and e[1] in kept))


def _see(named: list[str], topology: Topology, telemetry: Telemetry, before: tuple[int, int], now_ms: int) -> Sight:
    began = _beginning(named, telemetry, before, now_ms)
    end = before[1] if began is None else began - MARGIN_MS
    start = before[1] + FIRING_LAG_MS if began is None else began + min(max(0, now_ms - began - EARLIEST_MS), SPREADING_MS)
    windows = ((end - REFERENCE_MS, end), (max(start, now_ms - TROUBLE_MS), now_ms + 1))
    readings, memory, kills, peaks = {}, {}, {}, {}
    grew: dict[str, int] = {}
    for component in topology.components:
        for metric in WATCHED:
            series = telemetry.series(component, metric, min(windows[0][0], now_ms - GROWTH_MS[0]), now_ms)
            if series.times:
                readings[(component, metric)] = _read(series, windows)
            if metric == RESTARTS:
                kills[component] = increase(series, now_ms - REFERENCE_MS, now_ms + 1)
            if metric == MEMORY and series.times:
                memory[component], peaks[component] = (
                    _growth(series, now_ms),
                    quantile(cut(series, now_ms - REFERENCE_MS, now_ms + 1), 0.95),
                )
                if peaks[component] >= CROWDED:
                    bend = grew_since(series, now_ms - GROWTH_MS[0], now_ms + 1)
                    grew |= {} if bend is None else {component: bend}
                    readings[(component, metric)] = _read_long(series, windows, now_ms)
    since = start if began is None else began
    return Sight(topology, readings, memory, grew, kills, peaks, windows[0], (windows[1][0], now_ms), since)


def _growth(series: Series, now_ms: int) -> Growth:
    """The growth over the longest span in which it was steady."""
    spans = (growth(series, now_ms - span, now_ms + 1) for span in GROWTH_MS)
    longest = next(spans)
    return longest if longest.steady else next((g for g in spans if g.steady), longest)


def _beginning(named: Iterable[str], telemetry: Telemetry, before: tuple[int, int], now_ms: int) -> int | None:
    """The first lasting departure of a symptom, looked for from well before the alert."""
    found = []
    for component in named:
        for metric in SYMPTOMS:
            series = telemetry.series(component, metric, before[0], now_ms)
            quiet = cut(series, *before)
            if len(quiet) >= LEAST:
                start = onset(series, quiet, WATCHED[metric].floor(median(quiet)), 1, before[0])
                found += [start] if start is not None and start > before[0] + MARGIN_MS else []
    return min(found, default=None)


def _read_long(series: Series, windows: tuple[tuple[int, int], tuple[int, int]], now_ms: int) -> Reading:
    """Memory is alarmed about late: its reference is the time before anybody would have alarmed."""
    long = _read(series, ((now_ms - GROWTH_MS[0], now_ms - LOOK_BACK_MS), windows[1]))
    return long if long.shift.known else _read(series, windows)


def _read(series: Series, windows: tuple[tuple[int, int], tuple[int, int]]) -> Reading:
    quiet, trouble = cut(series, *windows[0]), cut(series, *windows[1])
    floor = WATCHED[series.metric].floor(median(quiet))
    found = shift(quiet, trouble, floor)
    sign = 1 if found.effect > 0 else -1
    start = onset(series, quiet, floor, sign, windows[0][1] - MARGIN_MS) if found.moved else None
    return Reading(series.component, series.metric, found, start, _left(series, windows[0][1], windows[1][1], found.before))


def _left(series: Series, quiet_ms: int, end_ms: int, before: float) -> float:
    """Of what the last minute showed; of all that came after the quiet, where hardly any request fails any more: what a
    restart left behind is measured by the restart, not by the little that failed beside it. Nothing of what is just falling.
    """
    recent = [v - before for v in cut(series, end_ms - PASSING_MS, end_ms)]
    if len(recent) < LEAST:  # one sample alone is no height
        return 1.0
    if recent[-3] > recent[-2] > recent[-1] and recent[-1] <= FALLING * recent[-3]:
        return 0.0
    failed = series.metric == ERRORS and max(recent[-2:]) + before < FAILING
    since = min(quiet_ms, end_ms - PASSING_MS)
    most = sorted(v - before for v in cut(series, since, end_ms))[-2] if failed else sorted(recent)[-2]
    return min(recent[-2:]) / most if most > 0 else 1.0
