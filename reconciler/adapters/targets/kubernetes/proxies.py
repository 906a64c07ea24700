"""Proxies: which one the environment names for an address, as kubectl reads it.

HTTPS_PROXY or HTTP_PROXY by the address's scheme, in capitals first; never for this machine, and not for what NO_PROXY names:
a host with all below it, only what is below it (`.example.org`, `*.example.org`), an address, a network (`10.0.0.0/8`), each but
the last perhaps with a port; `*` is everything. ALL_PROXY is not read.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def of_environment(url: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The proxy and the variable that names it; "" twice for none."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").lower(), str(parts.port or (443 if parts.scheme == "https" else 80))
    name, value = _first(f"{parts.scheme}_proxy", environ)
    if not value or _passes(host, port, _first("no_proxy", environ)[1]):
        return "", ""
    return (value if "://" in value else f"http://{value}"), name


def _first(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    known = next((n for n in (name.upper(), name) if environ.get(n)), name)
    return known, environ.get(known, "").strip()


def _passes(host: str, port: str, words: str) -> bool:
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_named(word.strip().lower(), host, port, address) for word in words.split(","))


def _named(word: str, host: str, port: str, address: IP | None) -> bool:
    """Whether this word of NO_PROXY means this host."""
    if "/" in word:
        return address is not None and _within(address, word)
    name, only = _cut(word)
    if word == "*" or not name or only not in ("", port):
        return word == "*"
    if address is not None:
        return _address(name) == address
    below = name.removeprefix("*") if name.startswith("*.") else name
    return host == below or host.endswith(f".{below.removeprefix('.')}")


def _cut(word: str) -> tuple[str, str]:
    """Host and port. Colons without brackets are an IPv6 address."""
    host, _, port = word.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], port
    return (host, port) if host and ":" not in host else (word, "")


def _within(address: IP, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _address(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
