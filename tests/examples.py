"""How many examples a property is tried with: all of them in `make chaos`, a third in `make test`, which people wait for."""

from __future__ import annotations

import os

EVERYTHING = os.environ.get("CHAOS") == "all"


def many(count: int) -> int:
    return count if EVERYTHING else max(5, count // 3)
