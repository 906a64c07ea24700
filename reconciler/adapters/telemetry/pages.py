"""Reading an HTTP answer that nobody vouches for: so many decoded bytes, so much time, or Retryable."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.errors import Retryable

if TYPE_CHECKING:
    import httpx


def bounded(answer: httpx.Response, source: str, most: int, timeout_ms: int) -> bytes:
    """Counts decoded bytes and the time of the whole page: a page that drips is a page that does not come."""
    until = time.monotonic() + timeout_ms / 1_000
    page = bytearray()
    for chunk in answer.iter_bytes(65_536):
        page += chunk
        if len(page) > most or time.monotonic() > until:
            message = f"source {source} sent more than {most} bytes or took longer than {timeout_ms} ms"
            raise Retryable(message, after_ms=5_000, next_step="ask for fewer series or raise timeoutMs")
    return bytes(page)
