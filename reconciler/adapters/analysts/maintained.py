"""What was measured while people worked on a component: a gap for whoever learns what is normal, perhaps the cause of trouble.

A look ahead sees none of it. A look at an incident does not see windows that were over well before; of one that is nearer the
samples stay, because they may show the trouble, and the work itself is among the changes that are suspected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from reconciler.model.maintenance import MaintenanceWindow
from reconciler.ports.analyst import Inquiry
from reconciler.ports.detector import Change

if TYPE_CHECKING:
    from reconciler.ports.telemetry import Samples

    Window = Mapping[tuple[str, str], Samples]

NEAR_MS = 900_000  # before an alarm: trouble that a window brought may be alarmed about so much later


def without_maintenance(inquiry: Inquiry, samples: Window) -> Window:
    """The samples outside of the windows. A grid's samples stand for the step that they begin."""
    over = [one for one in inquiry.maintenance if not _near(one, inquiry.alarm_ms)]
    if not over:
        return samples
    left = {key: _outside([one for one in over if one.covers(key[0])], taken, inquiry.step_ms) for key, taken in samples.items()}
    return {key: taken for key, taken in left.items() if len(taken[0])}


def worked_on(inquiry: Inquiry, samples: Iterable[tuple[str, str]]) -> tuple[Change, ...]:
    """The work that may have brought what somebody complains about."""
    near = [one for one in inquiry.maintenance if inquiry.alarm_ms is not None and _near(one, inquiry.alarm_ms)]
    measured = sorted({component for component, _ in samples}) if near else ()
    return tuple(
        Change(component, one.start_ms, "maintenance") for one in near for component in measured if one.covers(component)
    )


def _near(one: MaintenanceWindow, alarm_ms: int | None) -> bool:
    return alarm_ms is not None and one.end_ms > alarm_ms - NEAR_MS


def _outside(windows: list[MaintenanceWindow], taken: Samples, step_ms: int) -> Samples:
    times, values = taken
    kept = np.ones(len(times), np.bool_)
    for one in windows:
        kept &= (times + max(1, step_ms) <= one.start_ms) | (times >= one.end_ms)
    return (times, values) if kept.all() else (times[kept], values[kept])
