"""FileNotifier: pages appended to a file as JSON lines (`ports.notifier.Notifier`), each key once, ever."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.notify.ledger import Ledger
from reconciler.ports.clock import Clock


class FileNotifier:
    """The default: something else tails the file, or a person reads it."""

    def __init__(self, path: Path | str, clock: Clock) -> None:
        self._ledger = Ledger(path)
        self._clock = clock

    def page(self, key: str, title: str, text: str, url: str) -> None:
        stamp = self._clock.stamp()
        fields: dict[str, str | int] = {"title": title, "text": text, "url": url}
        self._ledger.once(key, {**fields, "clock_ms": stamp.clock_ms, "wall_ms": stamp.wall_ms}, _written_is_sent)


def _written_is_sent() -> None:
    """Writing the line is the page."""
