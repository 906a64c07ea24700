"""Whom this machine trusts on the network, read once: each reading of the certificate authorities takes tens of milliseconds."""

from __future__ import annotations

import functools
import ssl


@functools.cache
def trusted() -> ssl.SSLContext:
    """For every client that brings no authorities of its own; nobody changes it."""
    import httpx  # what a command without a client does not pay

    return httpx.create_ssl_context(trust_env=False)
