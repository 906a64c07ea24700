"""Notifier: pages a person. A lost page is retried; it never blocks a repair."""

from __future__ import annotations

from typing import Protocol


class Notifier(Protocol):
    """`key` makes a page idempotent: the same key is sent once."""

    def page(self, key: str, title: str, text: str, url: str) -> None: ...
