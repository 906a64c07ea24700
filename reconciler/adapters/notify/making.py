"""make_notifier: the notifier that the settings ask for.

The page file is always written; with an address the page is posted as well. The host that a person wrote into the
machine's own settings is the allow-list. A private address is reached only when it is written as one: a literal
address or `localhost` says what it is, a name that resolves to one does not.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.adapters.notify.file import FileNotifier
from reconciler.ports.clock import Clock
from reconciler.ports.notifier import Notifier


class EveryNotifier:
    """Pages through all, in order: what comes first is done even when a later one fails and is retried."""

    def __init__(self, *notifiers: Notifier) -> None:
        self._notifiers = notifiers

    def page(self, key: str, title: str, text: str, url: str) -> None:
        for notifier in self._notifiers:
            notifier.page(key, title, text, url)


def make_notifier(pages: Path, url: str, clock: Clock) -> Notifier:
    """`url` is `notifyUrl` of the settings; "" means the page file alone."""
    file = FileNotifier(pages, clock)
    if not url:
        return file
    from reconciler.adapters.notify.webhook import WebhookNotifier  # its HTTP client costs 0.2 s

    host = _host(url)
    sent = pages.with_name(pages.name + ".sent")
    return EveryNotifier(file, WebhookNotifier(url, (host,), sent, clock, private=_is_written_as_private(host)))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # the notifier refuses the address with a sentence
        return ""


def _is_written_as_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"
