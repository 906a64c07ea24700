"""WebhookNotifier: pages posted as JSON to one address outside (`ports.notifier.Notifier`).

The address comes from a person's settings, and still: only allow-listed hosts, https unless the host is private on
purpose, no redirects, no proxy from the environment. The name is resolved once, every answer is checked, and the
connection goes to the checked address, so a name that changes its mind between check and connect (DNS rebinding)
reaches nothing private. What was sent is in a ledger: a key goes out once, or twice if the process dies in between;
the receiver gets it as `Idempotency-Key`.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.https import trusted
from reconciler.adapters.notify.ledger import MAX_TEXT, Ledger
from reconciler.errors import Misconfigured, Retryable
from reconciler.ports.clock import Clock

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 5.0


class WebhookNotifier:
    """`private` allows addresses that are not on the public Internet, and plain http to them."""

    def __init__(self, url: str, allowed: Collection[str], ledger: Path | str, clock: Clock, *, private: bool = False) -> None:
        import httpx

        self._url = _checked(url, allowed, private=private)
        self._private = private
        self._ledger = Ledger(ledger)
        self._clock = clock
        self._client = httpx.Client(follow_redirects=False, trust_env=False, timeout=TIMEOUT_S, verify=trusted())

    def close(self) -> None:
        self._client.close()

    def page(self, key: str, title: str, text: str, url: str) -> None:
        body = {"key": key, "title": title[:MAX_TEXT], "text": text[:MAX_TEXT], "url": url[:MAX_TEXT]}
        fields: dict[str, str | int] = {"title": title, "sent_to": self._url.host, "wall_ms": self._clock.wall()}
        self._ledger.once(key, fields, lambda: self._post(key, json.dumps(body).encode()))

    def _post(self, key: str, body: bytes) -> None:
        import httpx

        address = self._address()
        headers = {"host": self._url.netloc.decode(), "content-type": "application/json", "idempotency-key": _header(key)}
        try:
            answer = self._client.post(
                self._url.copy_with(host=address), content=body, headers=headers, extensions={"sni_hostname": self._url.host}
            )
        except httpx.HTTPError as error:
            raise self._lost(type(error).__name__) from error
        if not 200 <= answer.status_code < 300:
            raise self._lost(f"it answered {answer.status_code}")

    def _address(self) -> str:
        """One checked address of the host; all of them have to be allowed, or a name could hide one behind another."""
        try:
            found = socket.getaddrinfo(self._url.host, self._url.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            raise self._lost("its name does not resolve") from error
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        if not self._private and not all(ipaddress.ip_address(address).is_global for address in addresses):
            step = "page a public address, or allow private ones in the settings"
            raise Misconfigured(f"{self._url.host} is a private address", where="notify_url", next_step=step)
        return addresses[0]

    def _lost(self, why: str) -> Retryable:
        return Retryable(f"the page did not reach {self._url.host}: {why}", after_ms=30_000, next_step="check notify_url")


def _checked(url: str, allowed: Collection[str], *, private: bool) -> httpx.URL:
    import httpx

    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"no address to page: {error}", where="notify_url", next_step="give https://host/path") from error
    if parsed.host not in allowed:
        raise Misconfigured(
            f"{parsed.host!r} is not allow-listed for pages", where="notify_url", next_step="add the host to the list"
        )
    if parsed.scheme != "https" and not (parsed.scheme == "http" and private):
        raise Misconfigured("pages go out over https only", where="notify_url", next_step="give an https address")
    if parsed.userinfo:
        raise Misconfigured("an address holds no password", where="notify_url", next_step="let the receiver know us otherwise")
    return parsed


def _header(text: str) -> str:
    """A key as a header can carry it."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "_" for sign in text)[:200]
