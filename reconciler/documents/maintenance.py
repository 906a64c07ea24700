"""Maintenance: when people work on components. Nothing is alarmed about them then, and what is measured is not taken for normal.

Alarms of others (an Alertmanager's) still come: whoever silences here has not silenced there. Repairs of these components wait
until the window has ended. Times are UTC under the Clock, windows are those of a Freeze.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from reconciler.documents.base import Document, Spec
from reconciler.documents.freeze import Window, openings
from reconciler.documents.loader import Loaded
from reconciler.documents.matching import Glob
from reconciler.model.maintenance import MaintenanceWindow


class MaintenanceSpec(Spec):
    """On what, when, and why."""

    components: tuple[Glob, ...] = Field(
        min_length=1, max_length=100, description="Names or patterns of the components that are worked on; `*` is every one."
    )
    windows: tuple[Window, ...] = Field(min_length=1, max_length=100, description="When; at least one window.")
    reason: str = Field(min_length=1, max_length=200, description="Why, in words; shown while it lasts.")


class Maintenance(Document):
    """Windows in which people work on components."""

    kind: Literal["Maintenance"] = Field(description="Always `Maintenance`.")
    spec: MaintenanceSpec = Field(description="On what, when, and why.")


def maintenance_windows(documents: Sequence[Loaded[Maintenance]], start_ms: int, end_ms: int) -> tuple[MaintenanceWindow, ...]:
    """Those that are open at some moment of [start, end), by time."""
    found = [
        MaintenanceWindow(item.name, item.document.spec.components, opens, closes, item.document.spec.reason)
        for item in documents
        for window in item.document.spec.windows
        for opens, closes in openings(window, start_ms, end_ms)
    ]
    return tuple(sorted(found, key=lambda one: (one.start_ms, one.end_ms, one.name)))
