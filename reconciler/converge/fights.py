"""Fight detection: an object that is corrected again and again is somebody else's business too.

More than five corrections of one object within a minute stop its correction and are signalled: the answer is a
pull request that adopts or ignores the other's value, not an endless war. The stop ends when Git wants something else of
the object (a person answered), or after half an hour without anything new.

The book is memory, not authority: a restart forgets it and at most five more corrections follow.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

WINDOW_MS = 60_000
MOST = 5
REST_MS = 30 * 60_000
SIZE = 10_000


@dataclass(slots=True)
class _Page:
    digest: str
    times: deque[int] = field(default_factory=lambda: deque(maxlen=MOST + 1))
    stopped_ms: int | None = None


class FightBook:
    """Corrections by (target, object), bounded; the longest untouched leave first."""

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[str, str], _Page] = OrderedDict()
        self._lock = threading.Lock()  # units are applied side by side

    def may_correct(self, target: str, object_id: str, digest: str, now_ms: int) -> bool:
        """False while the object is fought over. `digest` is what Git wants now."""
        with self._lock:
            return self._may(target, object_id, digest, now_ms)

    def _may(self, target: str, object_id: str, digest: str, now_ms: int) -> bool:
        page = self._pages.get((target, object_id))
        if page is None or page.digest != digest:
            return True
        if page.stopped_ms is not None:
            return now_ms - page.stopped_ms >= REST_MS
        recent = [t for t in page.times if now_ms - t < WINDOW_MS]
        if len(recent) < MOST:
            return True
        page.stopped_ms = now_ms
        return False

    def corrected(self, target: str, object_id: str, digest: str, now_ms: int) -> None:
        """Writes down one correction that was made."""
        with self._lock:
            page = self._pages.pop((target, object_id), None)
            if page is None or page.digest != digest or page.stopped_ms is not None:
                page = _Page(digest)
            page.times.append(now_ms)
            self._pages[target, object_id] = page
            if len(self._pages) > SIZE:
                self._pages.popitem(last=False)
