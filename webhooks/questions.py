"""POST /api/predict and /api/report: what is foreseen of one service, and all that is known of it, for programs.

Steps, in this order; each refusal is an answer with the next step:
1. whoever kept failing to authenticate is turned away unread (429);
2. the body is read, counted (413) and timed (408);
3. authentication over the raw bytes, by the same secret as deliveries (401);
4. the rate of questions; over it 503;
5. the question: a service, and for a prediction how far ahead in minutes (400);
6. the answer, in a thread: 404 for a service of which nothing is known, 503 while there is none.

Nothing is stored and nothing is decided.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from reconciler.errors import HomeostatError, Misconfigured
from reconciler.ports.clock import Clock
from webhooks.body import Refused, read_body
from webhooks.gate import SIGNATURE_HEADER, Bucket, Gate, Strangers

SERVICE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
STEP = 'send {"service": "checkout", "horizonMinutes": 60}'
HOUR, DAY = 60, 1_440


@dataclass(frozen=True, slots=True)
class Question:
    service: str
    horizon_minutes: int


Answers = Mapping[str, Callable[[Question], object]]  # by path; what is answered is plain JSON


@dataclass(frozen=True, slots=True)
class QuestionSettings:
    """Bounds; each default says why."""

    max_bytes: int = 4_096
    body_seconds: float = 10.0
    per_second: int = 5  # a prediction costs the analysis some tenths of a second
    burst: int = 50
    at_once: int = 4  # of the threads that pages share
    failures_per_second: int = 1
    failures_burst: int = 20


class _Desk:
    """The steps of one question, and what they share."""

    def __init__(self, clock: Clock, secret: str, settings: QuestionSettings) -> None:
        self._clock, self._settings, self._gate = clock, settings, Gate(secret)
        self._rate = Bucket(settings.per_second, settings.burst)
        self._strangers = Strangers(settings.failures_per_second, settings.failures_burst)
        self._turns = asyncio.Semaphore(settings.at_once)

    async def answer(self, request: Request, give: Callable[[Question], object]) -> object:
        host = request.client.host if request.client else ""
        if self._strangers.are_tired_of(host, self._clock.wall()):  # 1
            raise Refused(429, "failures", "too many questions without a valid secret", "wait a minute, check the secret")
        body = await read_body(request, self._settings.max_bytes, self._settings.body_seconds)  # 2
        if not self._gate.admits(request.headers.get(SIGNATURE_HEADER), request.headers.get("authorization"), body):  # 3
            self._strangers.failed(host, self._clock.wall())
            step = "send Authorization: Bearer SECRET, or sign the raw body with X-Homeostat-Signature"
            raise Refused(401, "unauthenticated", "the question does not prove the shared secret", step)
        if not self._rate.take(self._clock.wall()):  # 4
            raise Refused(503, "rate", "too many questions", "ask again later")
        question = _question(body)  # 5
        try:
            async with self._turns:  # 6
                return await asyncio.to_thread(give, question)
        except Misconfigured as error:
            raise Refused(404, "unknown", error.message, error.next_step) from error
        except HomeostatError as error:
            raise Refused(503, "unavailable", error.message, error.next_step) from error


def _question(body: bytes) -> Question:
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise Refused(400, "malformed", "the question is not JSON", STEP) from error
    if not isinstance(asked, dict) or set(asked) - {"service", "horizonMinutes"}:
        raise Refused(400, "malformed", "the question has other fields than service and horizonMinutes", STEP)
    service, minutes = asked.get("service"), asked.get("horizonMinutes", HOUR)
    if not isinstance(service, str) or not SERVICE.fullmatch(service):
        raise Refused(400, "malformed", "service is not the name of a component", STEP)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= DAY:
        raise Refused(400, "malformed", f"horizonMinutes is no whole number from 1 to {DAY}", STEP)
    return Question(service, minutes)


def make_questions_router(
    answers: Answers, clock: Clock, secret: str, settings: QuestionSettings | None = None, *, observe: Callable[[str], None]
) -> APIRouter:
    """The routes, for the application that also serves the webhooks. `observe` counts answers by reason."""
    desk = _Desk(clock, secret, settings or QuestionSettings())
    router = APIRouter()

    def serve(path: str, give: Callable[[Question], object]) -> None:
        @router.post(path, response_model=None)
        async def ask(request: Request) -> JSONResponse:
            try:
                found = await desk.answer(request, give)
            except Refused as refused:
                observe(refused.reason)
                headers = {"retry-after": "5"} if refused.status in (429, 503) else {}
                content = {"error": refused.message, "reason": refused.reason, "next": refused.next_step}
                return JSONResponse(content, status_code=refused.status, headers=headers)
            observe("answered")
            return JSONResponse(found)

    for path, give in answers.items():
        serve(path, give)
    return router
