"""POST /api/predict and /api/report: what is foreseen of one service, and all that is known of it, for programs.

Steps, in this order; each refusal is an answer with the next step:
1.-4. as at every entrance, with the secret of deliveries;
5. the question: a service, and for a prediction how far ahead in minutes (400);
6. the answer, in threads of its own, as many at once and waiting as are allowed (503): 404 for a service of which nothing is
   known, 503 while there is none.

Nothing is stored and nothing is decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from reconciler.errors import HomeostatError, Misconfigured
from reconciler.ports.clock import Clock
from webhooks.body import Refused
from webhooks.entrance import Bounds, Entrance, Hands, answer

SERVICE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
STEP = 'send {"service": "checkout", "horizonMinutes": 60}'
_AGAIN = "ask again later"
HOUR, DAY = 60, 1_440


@dataclass(frozen=True, slots=True)
class Question:
    service: str
    horizon_minutes: int


Answers = Mapping[str, Callable[[Question], object]]  # by path; what is answered is plain JSON


@dataclass(frozen=True, slots=True)
class QuestionSettings(Bounds):
    """Bounds; each default says why."""

    max_bytes: int = 4_096
    per_second: int = 5  # a prediction costs the analysis some tenths of a second
    burst: int = 50
    at_once: int = 4
    waiting: int = 46  # the burst


class _Desk:
    """The steps of one question, and what they share."""

    def __init__(self, clock: Clock, secret: str, settings: QuestionSettings) -> None:
        proof = "send Authorization: Bearer SECRET, or sign the raw body with X-Homeostat-Signature"
        self._entrance = Entrance(clock, secret, settings, what="questions", proof=proof, again=_AGAIN)
        self._hands = Hands("questions", settings.at_once, settings.waiting)

    async def answer(self, request: Request, give: Callable[[Question], object]) -> object:
        question = _question(await self._entrance.admit(request))  # 1.-5.
        try:
            return await self._hands.do(partial(give, question), _AGAIN)  # 6
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
                return answer(refused)
            observe("answered")
            return JSONResponse(found)

    for path, give in answers.items():
        serve(path, give)
    return router
