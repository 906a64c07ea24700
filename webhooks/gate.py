"""Who may deliver, and how fast. Everything here runs before a byte of the body is believed.

Two proofs of the same shared secret are accepted: `X-Homeostat-Signature: sha256=<hex>`, an HMAC over the raw body,
and `Authorization: Bearer <secret>`, which is all that Alertmanager's own http_config can send. A signature that is
present has to be right: a wrong one is never saved by a bearer. Comparisons take the same time whatever differs.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass

from reconciler.errors import Misconfigured

MIN_SECRET = 16  # bytes; shorter ones are guessed
SIGNATURE_HEADER = "x-homeostat-signature"


class Gate:
    """The shared secret and its two proofs."""

    def __init__(self, secret: str) -> None:
        if len(secret.strip().encode()) < MIN_SECRET:
            message = f"the webhook secret is missing or shorter than {MIN_SECRET} bytes"
            raise Misconfigured(
                message, where="webhooks", next_step="make one with `openssl rand -hex 32`; nothing starts without"
            )
        self._secret = secret.strip().encode()

    def admits(self, signature: str | None, authorization: str | None, body: bytes) -> bool:
        if signature is not None:
            return _same(signature.encode("latin-1", "replace"), self.signature(body).encode())
        scheme, _, given = (authorization or "").partition(" ")
        proof = given.strip().encode("latin-1", "replace")  # header text is latin-1 by the time it gets here
        return _same(proof, self._secret) and scheme.lower() == "bearer"

    def signature(self, body: bytes) -> str:
        """What a sender has to put into the header for this body."""
        return "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()


def _same(given: bytes, expected: bytes) -> bool:
    return hmac.compare_digest(given, expected)


@dataclass(slots=True)
class Bucket:
    """A token bucket in ms of the wall clock: `burst` at once, `per_second` after that."""

    per_second: int
    burst: int
    tokens_ms: int = -1  # thousandths of a token; -1 is "never asked"
    last_ms: int = 0

    def take(self, wall_ms: int) -> bool:
        self._refill(wall_ms)
        if self.tokens_ms < 1_000:
            return False
        self.tokens_ms -= 1_000
        return True

    def is_empty(self, wall_ms: int) -> bool:
        self._refill(wall_ms)
        return self.tokens_ms < 1_000

    def _refill(self, wall_ms: int) -> None:
        full = self.burst * 1_000
        gained = (wall_ms - self.last_ms) * self.per_second
        self.tokens_ms = full if self.tokens_ms < 0 else min(full, self.tokens_ms + gained)
        self.last_ms = wall_ms


class Strangers:
    """Failed proofs by address: who keeps failing is turned away before the body is read. Bounded memory."""

    def __init__(self, per_second: int, burst: int, most: int = 1_000) -> None:
        self._rate = (per_second, burst)
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def are_tired_of(self, host: str, wall_ms: int) -> bool:
        bucket = self._buckets.get(host)
        return bucket is not None and bucket.is_empty(wall_ms)

    def failed(self, host: str, wall_ms: int) -> None:
        bucket = self._buckets.setdefault(host, Bucket(*self._rate))
        self._buckets.move_to_end(host)
        bucket.take(wall_ms)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
