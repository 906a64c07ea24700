"""What is drawn of a window and its findings: the metrics that matter, who calls whom around the cause, what happened when.

Curves are thinned to few points that keep their lowest and highest samples, so that no spike is drawn away. What was to be
expected comes from the forecast that would have been made before the trouble, where the past is long enough for one, else from
nine tenths of the normal period.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from reconciler.analysis.causes import kind_of
from reconciler.analysis.detectors.reach import falls, way
from reconciler.analysis.detectors.saying import named
from reconciler.analysis.detectors.series import Key, Times, Values, loudest, normal_ms, since_ms, tidy, until_ms
from reconciler.analysis.forecasts.forecast import forecast
from reconciler.analysis.forecasts.history import DAY, STEP_S, History, Unknown, regular
from reconciler.model.canonical import number
from reconciler.model.drawings import MOST_POINTS, Drawings, Event, Graph, Mark, MarkKind, Node, Plot, Role
from reconciler.model.findings import Finding
from reconciler.ports.detector import Window

PLOTS, EVENTS, NODES = 4, 20, 14
BAND_POINTS = 50
BEFORE = 3.0  # times as much is drawn from before the trouble began as from after it
SHORTEST_MS = 1_200_000
LIKELY = 0.8
MARKED = {"change": MarkKind.CHANGE, "anomaly": MarkKind.ANOMALY}


def draw(window: Window, findings: Sequence[Finding]) -> Drawings:
    """The same window and findings give the same drawings."""
    seen = tidy(window)
    keys = _keys(seen, findings)
    return Drawings(tuple(_plot(seen, key, findings) for key in keys), _graph(seen, findings), _timeline(seen, findings))


def _keys(window: Window, findings: Sequence[Finding]) -> list[Key]:
    """The first metrics of the first causes, what else findings name, and one of the symptom."""
    order = {"cause": 0, "breach": 1, "risk": 1, "change": 2, "anomaly": 3, "forecast": 4}
    ranked = sorted((f for f in findings if f.kind in order), key=lambda f: (order[f.kind], -float(f.confidence)))
    wanted = [(f.component, f.metric) for f in ranked if f.kind != "cause"]
    causes = [(f.component, f.metric) for f in ranked if f.kind == "cause"]
    symptom = loudest(window, 1, [key for key in window.samples if key[0] == window.symptom])
    keys = [*causes[:2], *symptom, *wanted, *causes[2:]]
    seen = [key for key in keys if key in window.samples and len(window.samples[key][0]) > 1]
    alike = {(key[0], kind_of(key[1])): key for key in reversed(seen)}  # one percentile of a latency is enough
    return [key for key in dict.fromkeys(seen) if key in alike.values()][:PLOTS]


def _plot(window: Window, key: Key, findings: Sequence[Finding]) -> Plot:
    times, values = window.samples[key]
    start = _start(window)
    shown = (times >= start) & (times <= until_ms(window))
    shown = shown if shown.sum() > 1 else np.ones(len(times), dtype=bool)
    band, means = _band(window, key, max(start, int(times[0])))
    limit = window.limits.get(key)
    return Plot(
        named(key[0]), named(key[1]), thinned(times[shown], values[shown]), band, means, _marks(window, key, findings, start),
        "" if limit is None or not np.isfinite(limit) else number(limit),
    )  # fmt: skip


def _start(window: Window) -> int:
    since = since_ms(window)
    return since - max(SHORTEST_MS, int(BEFORE * (until_ms(window) - since)))


def thinned(times: Times, values: Values, most: int = MOST_POINTS) -> tuple[tuple[int, str], ...]:
    """At most `most` of the samples: of each stretch the lowest and the highest, and both ends."""
    if len(times) <= most:
        kept = np.arange(len(times))
    else:
        edges = np.linspace(0, len(times), most // 2).astype(np.intp)
        pairs = [(a + values[a:b].argmin(), a + values[a:b].argmax()) for a, b in itertools.pairwise(edges)]
        kept = np.unique(np.array([0, len(times) - 1, *(i for pair in pairs for i in pair)]))
    return tuple((int(times[i]), number(float(values[i]))) for i in kept)


def _band(window: Window, key: Key, start: int) -> tuple[tuple[tuple[int, str, str], ...], str]:
    """What was to be expected from `start` until now."""
    times, values = window.samples[key]
    since = since_ms(window)
    before = times < since
    history = regular(times[before] / 1000, values[before])
    if isinstance(history, History) and len(history.values) >= 3 * DAY:
        return _foretold(history, until_ms(window))
    low, high = normal_ms(window)
    normal = values[(times >= low) & (times < high)]
    if len(normal) < 4:
        return (), ""
    least, most = (number(float(v)) for v in np.quantile(normal, (0.05, 0.95)))
    return ((start, least, most), (until_ms(window), least, most)), "nine tenths of the normal period"


def _foretold(history: History, now_ms: int) -> tuple[tuple[tuple[int, str, str], ...], str]:
    found = forecast(history)
    if isinstance(found, Unknown):
        return (), ""
    low, high = found.steps.between(LIKELY)
    count = int(np.clip((now_ms / 1000 - found.made_s) // STEP_S + 1, 2, DAY))
    at = np.unique(np.linspace(0, count - 1, BAND_POINTS).astype(np.intp))
    rows = tuple((int((found.made_s + (i + 1) * STEP_S) * 1000), number(float(low[i])), number(float(high[i]))) for i in at)
    return rows, "the middle 80 % of the forecast made before"


def _marks(window: Window, key: Key, findings: Sequence[Finding], start: int) -> tuple[Mark, ...]:
    found = [Mark(f.at_ms, MARKED[f.kind], f.kind) for f in findings if f.kind in MARKED and (f.component, f.metric) == key]
    near = {key[0], *(b for a, b in window.calls if a == key[0])}
    found += [
        Mark(c.at_ms, MarkKind.MADE, f"{named(c.what)} of {named(c.component)}") for c in window.changes if c.component in near
    ]
    if window.alarm_ms is not None:
        found.append(Mark(window.alarm_ms, MarkKind.ALARM, "alarm"))
    return tuple(
        sorted((m for m in found if start <= m.at_ms <= until_ms(window)), key=lambda m: (m.at_ms, m.kind.value, m.text))
    )


def _graph(window: Window, findings: Sequence[Finding]) -> Graph:
    """The causes, the symptom, the ways between them, and who else falls."""
    scores = {f.component: f.confidence for f in reversed(findings) if f.kind == "cause"}
    causes = [f.component for f in findings if f.kind == "cause"]
    if not causes:
        return Graph((), ())
    first = causes[0]
    below = [b for a, b in window.calls if a == first]
    ways = [n for end in causes for n in way(window.calls, window.symptom, end)]
    names = list(dict.fromkeys([first, *ways, *causes, *falls(window.calls, first), *sorted(below)]))[:NODES]
    known = set(names)
    affected = set(falls(window.calls, first)) | set(causes)
    nodes = []
    for name in names:
        role = (
            Role.CAUSE
            if name == first
            else Role.SYMPTOM
            if name == window.symptom
            else Role.AFFECTED
            if name in affected
            else Role.WELL
        )
        nodes.append(Node(named(name), role, f"cause, {float(scores[name]):.2f}" if name in scores else ""))
    calls = sorted({(named(a), named(b)) for a, b in window.calls if a in known and b in known and a != b})
    return Graph(tuple(nodes), tuple(calls))


def _timeline(window: Window, findings: Sequence[Finding]) -> tuple[Event, ...]:
    """Changes that were made, levels that moved, patterns, the alarm; the likeliest where there are too many."""
    told = [f for f in findings if f.kind in ("change", "anomaly", "pattern") and f.at_ms]
    told = sorted(told, key=lambda f: -float(f.confidence))
    alike = {(f.component, kind_of(f.metric), f.kind): f for f in reversed(told)}
    told = [*[f for f in findings if f.kind == "cause"][:1], *(f for f in told if f in alike.values())][: EVENTS - 6]
    events = [Event(f.at_ms, named(f.component), f.kind, f.text) for f in told]
    start = _start(window)
    made = sorted((c for c in window.changes if start <= c.at_ms <= window.now_ms), key=lambda c: -c.at_ms)[:5]
    events += [Event(c.at_ms, named(c.component), "made", f"{named(c.what)} {named(c.commit)[:12]}".strip()) for c in made]
    if window.alarm_ms is not None:
        events.append(Event(window.alarm_ms, named(window.symptom), "alarm", "somebody complained"))
    return tuple(sorted(events, key=lambda e: (e.at_ms, e.kind, e.component, e.text)))
