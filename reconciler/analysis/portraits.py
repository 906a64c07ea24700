"""The portrait of one incident, from readings and words that were looked up by others.

In: which component is held responsible, whom the signals name, who calls whom, and how far each metric of these left its level.
Out: a Portrait of bounded size. Components are told by their place and not by their name, so that the same trouble elsewhere
looks alike; their names are among the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.analysis.likeness import number
from reconciler.analysis.robust import median
from reconciler.analysis.shifts import EFFECT, shift
from reconciler.analysis.words import words
from reconciler.model.canonical import number as decimal
from reconciler.model.memory import Moved, Portrait
from reconciler.model.telemetry import Topology

MOST_MOVED, MOST_WORDS, MOST_TEMPLATES = 30, 80, 20
FLOOR = 0.05  # share of the larger level below which a departure means nothing: no departure is larger than its inverse
LONGEST_TEMPLATE, LONGEST_METRIC = 200, 64


@dataclass(frozen=True, slots=True)
class Departure:
    """How far one metric of one component left its level, in robust deviations, signed."""

    component: str
    metric: str
    size: str


def departure(component: str, metric: str, before: Sequence[float], after: Sequence[float]) -> Departure | None:
    """None where the level stayed, or too little was measured to say. A short departure counts like a lasting one: trouble is
    recognised by it, and no alarm is raised.
    """
    levels = (abs(median(before)), abs(median(after)))
    found = shift(before, after, FLOOR * max(levels, default=0.0))
    return Departure(component, metric, decimal(found.effect)) if found.known and abs(found.effect) >= EFFECT else None


def portrait(
    cause: str,
    named: Sequence[str],
    topology: Topology,
    departures: Iterable[Departure],
    said: Iterable[str] = (),
    templates: Iterable[str] = (),
) -> Portrait:
    """`said` is text about the incident: names of alerts, kinds of causes, words of targets."""
    around = {c: _relation(c, cause, named, topology) for c in dict.fromkeys(d.component for d in departures)}
    largest = sorted(departures, key=lambda d: (around[d.component] != "cause", -abs(number(d.size)), d.component, d.metric))
    kept = largest[:MOST_MOVED]
    moved = tuple(
        Moved(f"{around[d.component]} {_standing(d.component, topology)}", d.metric[:LONGEST_METRIC], d.size) for d in kept
    )
    text = [*said, cause, *named, *(f"{d.component} {d.metric}" for d in kept)]
    told = dict.fromkeys(word for part in text for word in words(part))
    lines = (" ".join(words(t))[:LONGEST_TEMPLATE] for t in templates)
    return Portrait(moved, tuple(dict.fromkeys(filter(None, lines)))[:MOST_TEMPLATES], tuple(told)[:MOST_WORDS])


def neighbours(cause: str, named: Sequence[str], topology: Topology, most: int) -> tuple[str, ...]:
    """Whose metrics belong into the portrait: the cause, the named, who calls the cause, whom it calls."""
    around = (cause, *named, *topology.callers(cause), *topology.callees(cause))
    return tuple(c for c in dict.fromkeys(around) if c)[:most]


def _relation(component: str, cause: str, named: Sequence[str], topology: Topology) -> str:
    if component == cause:
        return "cause"
    if component in topology.callers(cause):
        return "caller"
    if component in topology.callees(cause):
        return "callee"
    return "named" if component in named else "other"


def _standing(component: str, topology: Topology) -> str:
    called, calls = bool(topology.callers(component)), bool(topology.callees(component))
    return {(False, False): "alone", (False, True): "front", (True, True): "inner", (True, False): "leaf"}[called, calls]
