"""KeptTemplates: the words of a log template by its number, from the file in which the ingress keeps them.

Read when it changed, and never written: the ingress learns, this only looks. A file that is missing, too large or of another
shape knows no words; the numbers alone say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.adapters.jsonfile import JsonFile
from reconciler.analysis.templates import Miner
from reconciler.errors import Permanent

MAX_FILE = 32 << 20


class KeptTemplates:
    """For one process."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, MAX_FILE)
        self._kept: Mapping[str, Any] = {}
        self._miners: dict[str, Miner] = {}

    def text(self, component: str, template: int) -> str:
        """Empty when it is not known."""
        self._look()
        if component not in self._miners:
            self._miners[component] = _miner(self._kept.get(component))
        return self._miners[component].text(template)

    def _look(self) -> None:
        if self._file.changed():
            self._kept, self._miners = self._file.said if isinstance(self._file.said, dict) else {}, {}


def _miner(told: object) -> Miner:
    try:
        return Miner.restored(told.get("templates") if isinstance(told, dict) else [])
    except Permanent:
        return Miner()
