"""Sessions: who is logged in to the page, and how often somebody failed to.

`HOME/secrets/sessions.json` holds the digest of each random id, whose it is and when it began and was seen, so that a
restart logs nobody out. The id itself is in the browser alone, and the token in its forms is made from the id: who steals
the file can neither log in with it nor send a form. A session ends by logout, after hours, after idling, or when Trust
does not know the principal any more (`gate`); the times are in the file, so a copy of a home keeps nobody in for longer,
and backups do not hold it. A file that does not read lets nobody in.
Both classes are bounded and safe for threads; time is given to them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from reconciler.console.keeping import Kept
from reconciler.errors import HomeostatError

LASTS_MS = 12 * 3_600_000  # a working day
IDLE_MS = 2 * 3_600_000  # a long meeting
SEEN_MS = 5 * 60_000  # how exactly the file knows when a session was seen
MAX_SESSIONS = 100  # the longest idle gives way
FAILURES = 10  # a person who pastes an old link a few times
REFILL_MS = 6_000  # then one more try each six seconds

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One session as the file has it."""

    digest: str
    principal: str
    began_ms: int
    seen_ms: int


@dataclass
class Session:
    """One login. `csrf` stands in every form; `flash` is said once, on the next page."""

    principal: str
    began_ms: int
    seen_ms: int
    kept_ms: int  # what the file says of `seen_ms`
    csrf: str = ""
    flash: str = ""

    def alive(self, wall_ms: int) -> bool:
        return wall_ms < self.began_ms + LASTS_MS and wall_ms < self.seen_ms + IDLE_MS

    def accepts(self, token: str) -> bool:
        """Whether a form carries this session's own token."""
        return bool(self.csrf) and hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "surrogatepass"))

    def told(self) -> str:
        """The flash, once."""
        said, self.flash = self.flash, ""
        return said


class Sessions:
    """The sessions of one installation, by the id in the cookie. One process writes the file."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = Kept(path, Entry, "the sessions of the page")
        self._held: dict[str, Session] = {}
        try:
            for entry in self._file.read()[-MAX_SESSIONS:]:
                self._held[entry.digest] = Session(entry.principal, entry.began_ms, entry.seen_ms, entry.seen_ms)
        except HomeostatError as error:
            log.warning("sessions.lost", extra={"fields": {"why": str(error)}})

    def begin(self, principal: str, wall_ms: int) -> tuple[str, Session]:
        """A new id, never one that the browser proposed, and its session."""
        made = secrets.token_urlsafe(32)
        session = Session(principal, wall_ms, wall_ms, wall_ms, _csrf(made))
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if held.alive(wall_ms)}
            while len(self._held) >= MAX_SESSIONS:
                del self._held[min(self._held, key=lambda key: self._held[key].seen_ms)]
            self._held[_key(made)] = session
            self._keep()
        return made, session

    def find(self, cookie: str, wall_ms: int) -> Session | None:
        """The living session of a cookie; being looked up keeps it from idling."""
        with self._lock:
            session = self._held.get(_key(cookie))
            if session is None or not session.alive(wall_ms):
                self._held.pop(_key(cookie), None)
                return None
            session.csrf = _csrf(cookie)
            session.seen_ms = max(session.seen_ms, wall_ms)
            if session.seen_ms >= session.kept_ms + SEEN_MS:
                try:
                    self._keep()
                except HomeostatError as error:  # a full disk: it only idles earlier after a restart
                    log.warning("sessions.unkept", extra={"fields": {"why": str(error)}})
            return session

    def end(self, cookie: str) -> None:
        """Also for the next process: what cannot be taken out of the file is an error for who logs out."""
        with self._lock:
            if self._held.pop(_key(cookie), None) is not None:
                self._keep()

    def _keep(self) -> None:
        self._file.replace([Entry(key, held.principal, held.began_ms, held.seen_ms) for key, held in self._held.items()])
        for held in self._held.values():
            held.kept_ms = held.seen_ms


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


def _csrf(cookie: str) -> str:
    """From the id alone, so that no file holds it; from it nobody comes back to the id."""
    made = hashlib.sha256(b"form token of " + cookie[:200].encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(made[:24]).decode()
