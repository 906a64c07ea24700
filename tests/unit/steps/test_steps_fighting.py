"""What the loop has stopped putting back is known to who asks, for as long as the loop says so."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.stores.store import SqliteStore
from reconciler.converge.drift import DRIFT, FIGHT
from reconciler.model.signals import Severity, Signal, SignalStatus
from reconciler.steps.fighting import FRESH_MS, fought, note_fights


def signal(name: str, object_id: str) -> Signal:
    labels = (("object", object_id), ("policy", "correct"), ("unit", "shop"))
    return Signal("i", "drift/shop", name, "web", "f", SignalStatus.FIRING, Severity.WARNING, 0, 0, labels)


def test_a_fight_is_known_until_it_was_not_said_for_a_while(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.sqlite")
    note_fights(store, [signal(FIGHT, "Service/web"), signal(DRIFT, "Service/db")], 1_000)
    assert fought(store, "shop", "Service/web", 1_000 + FRESH_MS - 1)
    assert not fought(store, "shop", "Service/db", 1_000)
    assert not fought(store, "shop", "Service/web", 1_000 + FRESH_MS)
    store.close()
