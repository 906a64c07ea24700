"""Heart: tells somebody outside that the loop still turns. When it stops, their Alertmanager misses it and alarms.

A beat is only sent when the loop has turned since the last one, and never from the loop's own thread: a receiver that
hangs must not stop the healer. A lost beat is not repeated; the next one follows.
"""

from __future__ import annotations

import logging
import threading

log = logging.getLogger(__name__)
TIMEOUT_S = 5.0


class Heart:
    """Posts to `url`, one beat at a time. `url` "" posts nothing."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._busy = threading.Lock()

    def beat(self, turns: int) -> None:
        """Returns at once; a beat that is still on its way swallows this one."""
        if self._url and self._busy.acquire(blocking=False):
            threading.Thread(target=self._send, args=(turns,), name="heart", daemon=True).start()

    def _send(self, turns: int) -> None:
        import httpx

        try:
            httpx.post(
                self._url, json={"homeostat": "alive", "turns": turns}, timeout=TIMEOUT_S, trust_env=False
            ).raise_for_status()
        except httpx.HTTPError as error:
            log.warning("heartbeat.lost", extra={"fields": {"why": type(error).__name__}})
        finally:
            self._busy.release()
