"""What is drawn of a diagnosis, as values: made where the samples are, kept with its record, drawn anew wherever it is shown.

Numbers are decimal text and times ms, so that a record holds them; every curve is thinned before it comes here. Names come from
telemetry: whoever draws them escapes them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

MOST_POINTS = 150


class MarkKind(enum.StrEnum):
    ALARM = "alarm"  # when somebody complained
    CHANGE = "change"  # where a series went over to another level
    ANOMALY = "anomaly"
    MADE = "made"  # something that people or machines did: a release, an edit, a scaling


@dataclass(frozen=True, slots=True)
class Mark:
    at_ms: int
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One metric over time beside what was to be expected of it."""

    component: str
    metric: str
    points: tuple[tuple[int, str], ...]
    band: tuple[tuple[int, str, str], ...]  # time, low, high; () where nothing was to be expected
    band_means: str  # "the forecast's middle 80 %", "nine tenths of the normal period"
    marks: tuple[Mark, ...]
    limit: str = ""  # where the series must not go


class Role(enum.StrEnum):
    CAUSE = "cause"
    SYMPTOM = "symptom"
    AFFECTED = "affected"  # departed, or falls when the cause falls
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    role: Role
    text: str = ""  # what is said under the name


@dataclass(frozen=True, slots=True)
class Graph:
    """Who calls whom around the cause, callers first."""

    nodes: tuple[Node, ...]
    calls: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Event:
    at_ms: int
    component: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawings:
    plots: tuple[Plot, ...] = ()
    graph: Graph = Graph((), ())
    timeline: tuple[Event, ...] = ()  # in order of time
