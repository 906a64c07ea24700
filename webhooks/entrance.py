"""Entrance: what every route of a machine does before it believes a byte, and how it answers when it does not.

Steps, in this order; each refusal is an answer with the next step:
1. whoever kept failing to authenticate is turned away unread (429);
2. the body is read, counted (413) and timed (408), as many at once as are allowed (503);
3. authentication over the raw bytes (401);
4. the rate of those who proved the secret; over it 503, because Alertmanager and exporters repeat a 503 and drop a 429.

Work that may take long is done in threads of the entrance's own: however much is sent to one route, the threads that the pages
and the other routes share stay free.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse

from reconciler.ports.clock import Clock
from webhooks.body import Refused, read_body
from webhooks.gate import SIGNATURE_HEADER, Bucket, Gate, Strangers

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one entrance; those who make one say why."""

    max_bytes: int
    body_seconds: float = 10.0  # a sender in the same network needs milliseconds
    reading: int = 1_000  # bodies at the same time, whoever sends them
    per_second: int = 100
    burst: int = 1_000
    failures_per_second: int = 1
    failures_burst: int = 20  # a person who mistypes a secret


class Entrance:
    """One shared secret and its bounds. `what` is what comes in, `proof` how to prove the secret."""

    def __init__(self, clock: Clock, secret: str, bounds: Bounds, *, what: str, proof: str, again: str) -> None:
        self._clock, self._bounds, self._gate = clock, bounds, Gate(secret)
        self._what, self._proof, self._again = what, proof, again
        self._rate = Bucket(bounds.per_second, bounds.burst)
        self._strangers = Strangers(bounds.failures_per_second, bounds.failures_burst)
        self._reading = 0

    async def admit(self, request: Request, encodings: Collection[str] = ("identity",)) -> bytes:
        """The proved body, still packed; Refused says why there is none."""
        host = request.client.host if request.client else ""
        if self._strangers.are_tired_of(host, self._clock.wall()):  # 1
            raise Refused(429, "failures", f"too many {self._what} without a valid secret", "wait a minute, check the secret")
        body = await self._read(request, encodings)  # 2
        if not self._gate.admits(request.headers.get(SIGNATURE_HEADER), request.headers.get("authorization"), body):  # 3
            self._strangers.failed(host, self._clock.wall())
            raise Refused(401, "unauthenticated", f"the shared secret of {self._what} is not proved", self._proof)
        if not self._rate.take(self._clock.wall()):  # 4
            raise Refused(503, "rate", f"too many {self._what}", self._again)
        return body

    async def _read(self, request: Request, encodings: Collection[str]) -> bytes:
        if self._reading >= self._bounds.reading:
            raise Refused(503, "rate", "too many bodies are being read", "send it again later")
        self._reading += 1
        try:
            return await read_body(request, self._bounds.max_bytes, self._bounds.body_seconds, encodings)
        finally:
            self._reading -= 1


class Hands:
    """Threads of one route's own: `at_once` work, `waiting` more wait for one, and whoever comes then has to come again."""

    def __init__(self, name: str, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._places = threading.BoundedSemaphore(at_once + waiting)

    async def do(self, work: Callable[[], _T], again: str) -> _T:
        if not self._places.acquire(blocking=False):
            raise Refused(503, "rate", "too many wait for their turn already", again)
        done = self._threads.submit(work)
        done.add_done_callback(lambda _: self._places.release())  # also when the sender hung up: the thread works on
        return await asyncio.wrap_future(done)


def answer(refused: Refused) -> JSONResponse:
    headers = {"retry-after": "5"} if refused.status in (429, 503) else {}
    content = {"error": refused.message, "reason": refused.reason, "next": refused.next_step}
    return JSONResponse(content, status_code=refused.status, headers=headers)
