"""MaintenanceWindow: somebody works on these components, so what they show is expected, and no measure of anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from reconciler.errors import Permanent
from reconciler.model.canonical import decode

NOTED: Final = "maintenance"  # the store's note of the open ones, for whoever looks from another process


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """One opening of a window that a Maintenance document declares: [start, end)."""

    name: str
    components: tuple[str, ...]  # names or patterns
    start_ms: int
    end_ms: int
    reason: str

    def covers(self, component: str) -> bool:
        return any(fnmatchcase(component, pattern) for pattern in self.components)

    @property
    def about(self) -> str:
        return ", ".join(self.components)


def noted(text: str, now_ms: int) -> tuple[MaintenanceWindow, ...]:
    """The windows of a note that are still open; those of another release are not known until they are noted anew."""
    try:
        found = [decode(MaintenanceWindow, one) for one in json.loads(text or "[]")]
    except (Permanent, ValueError, TypeError):
        return ()
    return tuple(one for one in found if one.start_ms <= now_ms < one.end_ms)
