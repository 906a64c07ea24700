"""Portraying: what an incident looks like, read from telemetry around the component that is held responsible.

In: an incident with its diagnosis, and telemetry. Out: a Portrait. The windows are those of the diagnosis, and every metric of a
component counts, not only those that diagnosis knows. Telemetry that does not answer is Retryable, and the caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from reconciler.analysis import likeness
from reconciler.analysis.portraits import Departure, departure, neighbours, portrait
from reconciler.analysis.shifts import cut
from reconciler.diagnosis.sight import plain_topology
from reconciler.model.diagnosis import Cause, Diagnosis
from reconciler.model.memory import Portrait
from reconciler.model.signals import Incident
from reconciler.model.telemetry import Series, Topology
from reconciler.ports.telemetry import Telemetry

COMPONENTS, METRICS = 8, 40  # whose levels are compared, and how many of each
_COUNTERS = ("_total", "}")
_TEMPLATE = re.compile(r"log_template_rate\{template=([0-9]{1,6})\}")


def pictured(incident: Incident, found: Diagnosis, telemetry: Telemetry | None, template: Callable[[str, int], str]) -> Portrait:
    """Without telemetry it is words only. `template` gives the words of a component's log template."""
    cause = found.causes[0].component if found.causes else ""
    said = [*(f"{signal.name} {signal.metric}" for signal in incident.signals), *_words(found.causes)]
    if telemetry is None:
        return portrait(cause, incident.components, Topology((), ()), (), said)
    topology = plain_topology(telemetry.topology(), incident.components)
    around = neighbours(cause, incident.components, topology, COMPONENTS)
    measured = [c for c in around if c in topology.components]
    departures = list(_departures(measured, found, telemetry))
    templates = (template(c, number) for c in measured for number in _came_up(c, found, telemetry))
    return portrait(cause, incident.components, topology, departures, said, templates)


def _words(causes: Sequence[Cause]) -> Iterator[str]:
    for cause in causes[:1]:
        yield f"{cause.kind.value} {cause.trouble}"
        yield from (evidence.metric for evidence in cause.evidence)


def _departures(components: Sequence[str], found: Diagnosis, telemetry: Telemetry) -> Iterator[Departure]:
    for component in components:
        names = [n for n in telemetry.metrics(component) if not n.endswith(_COUNTERS)]
        for metric in names[:METRICS]:
            before, after = _sides(telemetry.series(component, metric, found.window_before[0], found.window_after[1]), found)
            if moved := departure(component, metric, before, after):
                yield moved


def _came_up(component: str, found: Diagnosis, telemetry: Telemetry) -> Iterator[int]:
    """The templates that logs held in the trouble and not, or clearly less, before."""
    for metric in telemetry.metrics(component):
        if which := _TEMPLATE.fullmatch(metric):
            before, after = _sides(telemetry.series(component, metric, found.window_before[0], found.window_after[1]), found)
            moved = departure(component, metric, before, after)
            if (after and not before) or (moved and likeness.number(moved.size) > 0):
                yield int(which[1])


def _sides(series: Series, found: Diagnosis) -> tuple[tuple[float, ...], tuple[float, ...]]:
    (start, end), (since, until) = found.window_before, found.window_after
    return cut(series, start, end), cut(series, since, until + 1)
