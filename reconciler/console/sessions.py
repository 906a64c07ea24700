"""Sessions: who is logged in to this process, and how often somebody failed to.

A session lives in memory under the digest of a random id: a restart logs everybody out, and a copy of the memory's keys
opens nothing. It ends by logout, after hours, after idling, or when Trust does not know the principal any more (`gate`).
Both classes are bounded and safe for threads; time is given to them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field

LASTS_MS = 12 * 3_600_000  # a working day
IDLE_MS = 2 * 3_600_000  # a long meeting
MAX_SESSIONS = 100  # the longest idle gives way
FAILURES = 10  # a person who pastes an old link a few times
REFILL_MS = 6_000  # then one more try each six seconds


@dataclass
class Session:
    """One login. `csrf` stands in every form; `flash` is said once, on the next page."""

    principal: str
    began_ms: int
    seen_ms: int
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    flash: str = ""

    def alive(self, wall_ms: int) -> bool:
        return wall_ms < self.began_ms + LASTS_MS and wall_ms < self.seen_ms + IDLE_MS

    def accepts(self, token: str) -> bool:
        """Whether a form carries this session's own token."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "surrogatepass"))

    def told(self) -> str:
        """The flash, once."""
        said, self.flash = self.flash, ""
        return said


class Sessions:
    """The sessions of this process, by the id in the cookie."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, Session] = {}

    def begin(self, principal: str, wall_ms: int) -> tuple[str, Session]:
        """A new id, never one that the browser proposed, and its session."""
        made = secrets.token_urlsafe(32)
        session = Session(principal, wall_ms, wall_ms)
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if held.alive(wall_ms)}
            while len(self._held) >= MAX_SESSIONS:
                del self._held[min(self._held, key=lambda key: self._held[key].seen_ms)]
            self._held[_key(made)] = session
        return made, session

    def find(self, cookie: str, wall_ms: int) -> Session | None:
        """The living session of a cookie; being looked up keeps it from idling."""
        with self._lock:
            session = self._held.get(_key(cookie))
            if session is None or not session.alive(wall_ms):
                self._held.pop(_key(cookie), None)
                return None
            session.seen_ms = max(session.seen_ms, wall_ms)
            return session

    def end(self, cookie: str) -> None:
        with self._lock:
            self._held.pop(_key(cookie), None)


class Failures:
    """A bucket of failed logins, shared by everybody: on localhost all clients have one address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = float(FAILURES)
        self._at_ms = 0

    def exhausted(self, wall_ms: int) -> bool:
        with self._lock:
            self._refill(wall_ms)
            return self._left < 1

    def failed(self, wall_ms: int) -> None:
        with self._lock:
            self._refill(wall_ms)
            self._left = max(0.0, self._left - 1)

    def _refill(self, wall_ms: int) -> None:
        passed = max(0, wall_ms - self._at_ms) if self._at_ms else 0
        self._left = min(float(FAILURES), self._left + passed / REFILL_MS)
        self._at_ms = max(self._at_ms, wall_ms)


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie[:200].encode("utf-8", "surrogatepass")).hexdigest()
