"""Down the call graph from the symptoms to the components where the trouble starts.

A symptom is explained by a callee whose own symptom began no later and is large enough to matter. What is left without
such a callee is a root. Who calls a slow service looks slow itself; who is called by one does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.diagnosis.metrics import ERRORS, LATENCIES
from reconciler.diagnosis.sight import Sight

TOGETHER_MS = 20_000  # four scrapes: onsets closer than this have no order
OF_LATENCY = 0.25  # share of the caller's added latency that the callee must have added
OF_ERRORS = 0.2
SLOWED = 2.0  # times as slow as before: enough for time-outs and full queues above


@dataclass(frozen=True, slots=True)
class Root:
    """Where it starts, and the path of callers down to it (the first is the one that alarmed)."""

    component: str
    path: tuple[str, ...]
    explains: tuple[str, ...]  # components with symptoms that are explained by this one, directly or not


def roots(sight: Sight, named: Iterable[str]) -> tuple[Root, ...]:
    """The deepest components with symptoms below the named ones, most explaining first."""
    paths: dict[str, tuple[str, ...]] = {}
    for component in sorted(named):
        for path in _descend(sight, (component,)):
            paths[path[-1]] = min(paths.get(path[-1], path), path, key=lambda p: (len(p), p))
    ordered = [Root(c, path, _explained(sight, c)) for c, path in paths.items()]
    return tuple(sorted(ordered, key=lambda r: (-len(r.explains), r.component)))


def _descend(sight: Sight, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    here = path[-1]
    below = [c for c in sight.topology.callees(here) if c not in path and explains(sight, here, c)]
    if below:
        return [found for callee in below for found in _descend(sight, (*path, callee))]
    return [path] if sight.symptoms(here) else []


def explains(sight: Sight, caller: str, callee: str) -> bool:
    """Whether the callee's trouble is early and large enough to be why the caller has its own."""
    late, early = sight.onset(caller), sight.onset(callee)
    if not sight.symptoms(caller) or not sight.symptoms(callee):
        return False
    if late is not None and early is not None and early > late + TOGETHER_MS:
        return False
    # Errors are the stronger symptom: a callee that is merely a little slower does not explain them.
    return _by_errors(sight, caller, callee) if _added(sight, caller, ERRORS) > 0 else _by_latency(sight, caller, callee)


def _by_latency(sight: Sight, caller: str, callee: str) -> bool:
    return any(
        _added(sight, callee, metric) > 0 and _added(sight, callee, metric) >= OF_LATENCY * _added(sight, caller, metric) > 0
        for metric in LATENCIES
    )


def _by_errors(sight: Sight, caller: str, callee: str) -> bool:
    """Errors below become errors above; so does slowness below, by time-outs."""
    asked = _added(sight, caller, ERRORS)
    slowed = any(r.shift.after >= SLOWED * max(r.shift.before, 1.0) for r in sight.rose(callee, LATENCIES))
    return slowed or _added(sight, callee, ERRORS) >= OF_ERRORS * asked


def _added(sight: Sight, component: str, metric: str) -> float:
    reading = sight.reading(component, metric)
    return reading.shift.change if reading and reading.shift.rose else 0.0


def _explained(sight: Sight, root: str) -> tuple[str, ...]:
    found: set[str] = set()
    waiting = [root]
    while waiting:
        callee = waiting.pop()
        above = [c for c in sight.topology.callers(callee) if c not in found and c != root and explains(sight, c, callee)]
        found.update(above)
        waiting += above
    return tuple(sorted(found))
