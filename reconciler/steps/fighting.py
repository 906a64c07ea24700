"""Which objects the loop has stopped putting back, noted so that people who ask hear why. A cache: losing it loses a sentence.

The loop says so again at every look at an unit's drift, at least once a minute; what it has not said for a while is over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.converge.drift import FIGHT
from reconciler.model.signals import Signal
from reconciler.ports.store import Store

NOTE = "fights"
FRESH_MS = 150_000
MOST = 1_000  # objects


def note_fights(store: Store, signals: Sequence[Signal], now_ms: int) -> None:
    """Of what drifted just now."""
    fought = {_key(labels["unit"], labels["object"]): now_ms for s in signals if s.name == FIGHT for labels in (dict(s.labels),)}
    if fought:
        kept = {**_fresh(store, now_ms), **fought}
        store.note(NOTE, json.dumps(dict(list(kept.items())[-MOST:])))


def fought(store: Store, unit: str, object_id: str, now_ms: int) -> bool:
    return _key(unit, object_id) in _fresh(store, now_ms)


def _fresh(store: Store, now_ms: int) -> dict[str, int]:
    known = json.loads(store.noted(NOTE) or "{}")
    return {key: at for key, at in known.items() if 0 <= now_ms - at < FRESH_MS}


def _key(unit: str, object_id: str) -> str:
    return f"{unit}:{object_id}"
