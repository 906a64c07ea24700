"""Trouble that lies in how parts answer each other (`analysis.patterns`): one watch for each entry and what it calls.

A component speaks through what its metrics are called: requests tried, errors (a count, or a share of the requests where it
never exceeds one), replicas that serve. Those who call come before those they call; a cycle is entered somewhere, always at
the same place. The confidence is a plain 0.9: on simulated episodes every alarm was right, and real systems blur the borders.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

import networkx as nx
import numpy as np

from reconciler.analysis.causes import Kind, kind_of
from reconciler.analysis.detectors.saying import Speaker, named
from reconciler.analysis.detectors.series import Key, Times, Values, loudest, since_ms, table, tidy, until_ms, usual_step_ms
from reconciler.analysis.patterns import Pattern, Reading, Watch, together
from reconciler.analysis.robust import median
from reconciler.analysis.shifts import onset, shift
from reconciler.model.findings import Finding
from reconciler.model.telemetry import Series
from reconciler.ports.detector import Window

FINEST_MS, STEPS = 15_000, 480
ENTRIES, SERVICES = 10, 30  # watches, and services that one goes along with
WORST = 200  # series among which those that got worse together are looked for
EARLIER_MS = 1_500_000
SURE = 0.9
REPLICAS = re.compile(r"replica|instances|pods", re.IGNORECASE)
SHARED = re.compile(r"connections|pool|quota", re.IGNORECASE)  # what several parties fill together
WORSE_MS = 600_000  # how long before the alarm services may have got worse
STEADY = 0.1  # of the level: what moves less is not worse
READY = re.compile(r"ready|available|serv", re.IGNORECASE)
Readings = Mapping[str, Mapping[str, Values]]


class Patterns:
    name = "patterns"
    version = "1"

    @property
    def settings(self) -> Mapping[str, str]:
        return {"entries": str(ENTRIES), "services": str(SERVICES), "steps": str(STEPS)}

    def detect(self, window: Window) -> Sequence[Finding]:
        seen = tidy(window)
        speaker = Speaker(self.name, self.version, self.settings)
        times, readings = _readings(seen)
        since = since_ms(seen) - (EARLIER_MS if window.alarm_ms is not None else 0)
        found: dict[tuple[str, tuple[str, ...]], Finding] = {}
        for group in groups(window.calls, sorted(readings)):
            for pattern in _watched(group, times, readings):
                if since <= pattern.told * 1000 <= until_ms(seen):
                    found.setdefault((pattern.kind.value, pattern.participants), _said(speaker, pattern))
        alike = together(_worse(seen), window.calls, until_ms(seen) / 1000) if window.alarm_ms is not None else None
        if alike:
            found.setdefault((alike.kind.value, alike.participants), _said(speaker, alike))
        return sorted(found.values(), key=lambda f: (f.at_ms, f.component, f.metric))


def groups(calls: Sequence[tuple[str, str]], services: Sequence[str]) -> list[list[str]]:
    """Each entry with those it reaches, callers first; services that are not measured only connect."""
    graph = nx.DiGraph()
    graph.add_nodes_from(services)
    graph.add_edges_from(sorted((a, b) for a, b in calls if a != b))
    whole = nx.condensation(graph)
    order = nx.lexicographical_topological_sort(whole, key=lambda n: min(whole.nodes[n]["members"]))
    place = {node: at for at, node in enumerate(order)}
    measured = set(services)
    found = []
    for entry in (node for node in place if not whole.in_degree(node)):
        reached = sorted({entry} | nx.descendants(whole, entry), key=lambda node: place[node])
        members = [s for node in reached for s in sorted(whole.nodes[node]["members"]) if s in measured]
        if members:
            found.append(members[:SERVICES])
    return sorted(found, key=lambda members: (-len(members), members))[:ENTRIES]


def _readings(window: Window) -> tuple[Times, Readings]:
    """Rates and replicas of every component that says how much it is asked, at steps of 15 s or more."""
    chosen: dict[str, dict[str, Key]] = {}
    for key in window.samples:
        if role := _role(key[1]):
            own = chosen.setdefault(key[0], {})
            if role not in own or (role == "replicas" and READY.search(key[1]) and not READY.search(own[role][1])):
                own[role] = key
    chosen = {name: own for name, own in chosen.items() if "attempts" in own}
    keys = [key for own in chosen.values() for key in own.values()]
    step = max(FINEST_MS, usual_step_ms(window.samples[key] for key in keys))
    times, values = table(window, keys, step)
    times, values = times[-STEPS:], values[-STEPS:]
    place = {key: column for column, key in enumerate(keys)}
    return times, {name: {role: values[:, place[key]] for role, key in own.items()} for name, own in chosen.items()}


def _role(metric: str) -> str:
    if REPLICAS.search(metric):
        return "replicas"
    if SHARED.search(metric):
        return "used"
    kind = kind_of(metric)
    return "attempts" if kind is Kind.TRAFFIC else "errors" if kind is Kind.ERRORS else ""


def _watched(group: Sequence[str], times: Times, readings: Readings) -> Iterator[Pattern]:
    watch = Watch(group)
    columns = {name: _rates(readings[name], len(times)) for name in group}
    for row, time in enumerate(times.tolist()):
        now = {name: Reading(*(float(column[row]) for column in own)) for name, own in columns.items()}
        if pattern := watch.see(time / 1000, now):
            yield pattern


def _rates(own: Mapping[str, Values], rows: int) -> tuple[Values, Values, Values, Values, Values]:
    nothing = np.full(rows, math.nan)
    attempts, errors, replicas, used = (own.get(role, nothing) for role in ("attempts", "errors", "replicas", "used"))
    known = errors[np.isfinite(errors)]
    refused = errors * attempts if len(known) and known.max() <= 1 else errors
    full = used[np.isfinite(used)]
    share = used if len(full) and full.min() >= 0 and full.max() <= 1 else nothing  # a count without its limit says nothing
    return attempts, attempts - refused, refused, replicas, share


def _worse(window: Window) -> Mapping[str, float]:
    """Who got slower or fails more since shortly before the alarm, and when, in seconds."""
    alarm, found = window.alarm_ms or until_ms(window), dict[str, float]()
    seen = [key for key in window.samples if kind_of(key[1]) in (Kind.LATENCY, Kind.ERRORS)]
    for component, metric in sorted(loudest(window, WORST, seen)):
        times, values = window.samples[component, metric]
        before, after = values[times < alarm - WORSE_MS].tolist(), values[times >= alarm].tolist()
        floor = STEADY * max((abs(level) for level in (median(before), median(after)) if math.isfinite(level)), default=0.0)
        if floor > 0 and shift(before, after, floor).rose:
            series = Series(component, metric, tuple(times.tolist()), tuple(values.tolist()))
            began = onset(series, before, floor, 1, alarm - WORSE_MS)
            if began is not None:
                found[component] = min(began / 1000, found.get(component, math.inf))
    return found


def _said(speaker: Speaker, pattern: Pattern) -> Finding:
    text = f"{pattern.kind.value}: {named(pattern.reason, 300)}; to keep it away: {pattern.kind.remedy}"
    values = {"participants": float(len(pattern.participants)), "told_after_s": pattern.told - pattern.onset}
    return speaker.say("pattern", (pattern.participants[0], pattern.kind.value), pattern.onset * 1000, SURE, values, text)
