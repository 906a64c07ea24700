"""Criticality: how much it matters when a component misbehaves, from what was promised and from who depends on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

LOOKED_AT: Final = 2_000  # callers that are followed from one component


def criticality(
    components: Collection[str], calls: Sequence[tuple[str, str]], promised: Mapping[str, float] | None = None
) -> dict[str, float]:
    """1 to 3: one for being there, up to one for the share of components that need it, up to one for its objectives.

    `promised` is 1 where an objective is about the component, and may be more than 1 where its budget is nearly spent.
    """
    needed: dict[str, list[str]] = {}
    for caller, callee in calls:
        needed.setdefault(callee, []).append(caller)
    others = max(len(components) - 1, 1)
    wanted = promised or {}
    return {
        name: 1.0 + min(len(_above(name, needed)) / others, 1.0) + min(max(wanted.get(name, 0.0), 0.0), 1.0)
        for name in sorted(components)
    }


def _above(name: str, needed: Mapping[str, Sequence[str]]) -> set[str]:
    """Everyone whose calls reach it, without itself; circles end."""
    found: set[str] = set()
    waiting = [name]
    while waiting and len(found) < LOOKED_AT:
        fresh = [caller for caller in needed.get(waiting.pop(), ()) if caller not in found and caller != name]
        found.update(fresh)
        waiting += fresh
    return found
