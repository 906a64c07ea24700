"""What the cluster remembers of one-shot acts: an older release can read it, and what may be under way is kept longest."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.adapters.targets.kubernetes import acted
from reconciler.adapters.targets.kubernetes.acted import Entry
from reconciler.errors import Permanent

ENTRY = Entry("shop", "restart", "web", "2026-01-01T00:00:00.000Z", "a1", done=True, detail="did it")


def test_an_entry_is_read_as_it_was_written_and_of_an_act_at_once_as_older_releases_wrote_it() -> None:
    text = acted._text(ENTRY)
    assert acted._entry("one", text) == ENTRY
    assert set(json.loads(text)) == {"unit", "action", "component", "at", "attempt", "done", "detail"}
    lasting = replace(ENTRY, of=7)
    assert acted._entry("one", acted._text(lasting)) == lasting


def test_the_time_of_an_entry_of_an_older_release_is_read() -> None:
    old = replace(ENTRY, at="2026-01-01T00:00:00Z")
    assert old.begun == ENTRY.begun


@pytest.mark.parametrize("text", ["nonsense", "{}", json.dumps({**json.loads(acted._text(ENTRY)), "at": "once"})])
def test_what_somebody_made_unreadable_is_said_and_not_guessed(text: str) -> None:
    with pytest.raises(Permanent, match="cannot be read"):
        acted._entry("one", text)


def test_what_is_done_is_forgotten_before_what_may_be_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acted, "MOST", 3)
    begun = replace(ENTRY, at="2020-01-01T00:00:00Z", done=False)
    held = {"begun": begun, "old": replace(ENTRY, at="2025-01-01T00:00:00Z"), "new": ENTRY}
    texts = {name: acted._text(entry) for name, entry in held.items()}
    assert acted._oldest(texts) == {"old": None}
    assert acted._oldest({"new": texts["new"]}) == {}
