"""What the call graph says around a component: who falls with it, how a caller reaches it, which ways users wait longest.

Cycles are safe: components that call each other in a ring count as one place, entered at its slowest member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx

Calls = Sequence[tuple[str, str]]
MOST = 3  # paths


def graph(calls: Calls) -> nx.DiGraph:
    found = nx.DiGraph()
    found.add_edges_from(sorted({(a, b) for a, b in calls if a != b}))
    return found


def falls(calls: Calls, component: str) -> tuple[str, ...]:
    """Everyone who calls it, near or far: those who need it do not work without it."""
    whole = graph(calls)
    return tuple(sorted(nx.ancestors(whole, component))) if component in whole else ()


def way(calls: Calls, start: str, end: str) -> tuple[str, ...]:
    """The shortest way from a caller down to what it waits for, both included; () where there is none."""
    whole = graph(calls)
    if start not in whole or end not in whole or not nx.has_path(whole, start, end):
        return ()
    return tuple(nx.shortest_path(whole, start, end))


def critical(calls: Calls, own: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
    """The ways from an entry to a leaf whose own times add up to most, the longest of each entry, longest first."""
    whole = nx.condensation(graph(calls))
    slowest = {n: max(sorted(d["members"]), key=lambda m: own.get(m, 0.0)) for n, d in whole.nodes(data=True)}
    best: dict[int, tuple[float, tuple[str, ...]]] = {}
    for node in reversed(list(nx.topological_sort(whole))):
        below = [best[callee] for callee in whole.successors(node)]
        time, path = max(below, key=lambda b: (b[0], b[1]), default=(0.0, ()))
        name = slowest[node]
        best[node] = (time + own.get(name, 0.0), (name, *path))
    entries = [best[node] for node in whole.nodes if not whole.in_degree(node)]
    return [(path, total) for total, path in sorted(entries, key=lambda e: (-e[0], e[1])) if total > 0][:MOST]
