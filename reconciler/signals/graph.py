"""The call graph as grouping needs it: undirected, because trouble travels both ways along a call."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.model.telemetry import Topology
from reconciler.signals.actions import OpenIncident


def neighbours(component: str, topology: Topology) -> set[str]:
    return {*topology.callers(component), *topology.callees(component)}


def components_of(affected: Collection[str], topology: Topology) -> list[set[str]]:
    """The connected components of the graph between the affected components alone, in a stable order."""
    around = _around(topology)
    left, parts = set(affected), []
    for start in sorted(affected):
        if start not in left:
            continue
        part, edge = set(), [start]
        while edge:
            here = edge.pop()
            if here in left:
                left.remove(here)
                part.add(here)
                edge.extend(around.get(here, ()))
        parts.append(part)
    return parts


def nearest(start: set[str], incidents: Sequence[OpenIncident], topology: Topology) -> OpenIncident | None:
    """The incident the fewest calls away; the oldest where the graph does not connect them."""
    around, seen, edge = _around(topology), set(start), set(start)
    while edge:
        for one in incidents:
            if edge.intersection(one.incident.components):
                return one
        edge = {after for here in edge for after in around.get(here, ())} - seen
        seen |= edge
    return min(incidents, key=lambda one: (one.incident.opened_ms, one.incident.id), default=None)


def _around(topology: Topology) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for caller, callee in topology.calls:
        found.setdefault(caller, set()).add(callee)
        found.setdefault(callee, set()).add(caller)
    return found
