"""Health of many objects as one word, for status, soak and people.

Worst first: degraded is never called healthy because something else is, and what cannot be seen is unknown, not healthy.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.revisions import Health, HealthState

WORST_FIRST = (
    HealthState.DEGRADED,
    HealthState.MISSING,
    HealthState.UNKNOWN,
    HealthState.PROGRESSING,
    HealthState.SUSPENDED,
    HealthState.HEALTHY,
)
SHOWN = 5  # objects that a message names


def aggregate(name: str, parts: Sequence[Health]) -> Health:
    """The worst state of the parts under one name; without parts it is unknown."""
    if not parts:
        return Health(name, HealthState.UNKNOWN, "nothing was seen")
    state = min((p.state for p in parts), key=WORST_FIRST.index)
    named = [f"{p.id}: {p.message or p.state.value}" for p in parts if p.state is state]
    if state is HealthState.HEALTHY:
        return Health(name, state)
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return Health(name, state, "; ".join(named[:SHOWN]) + more)
