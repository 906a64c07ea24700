"""POST /webhooks/alertmanager: the one route. An accepted alert is a stored claim and nothing more.

Steps, in this order; each refusal is an answer with the place and the next step, and nothing is stored before the last:
1. whoever kept failing to authenticate is turned away unread (429);
2. the body is read, counted (413) and timed (408);
3. authentication over the raw bytes (401);
4. the rate of authenticated deliveries; over it 503, because Alertmanager repeats a 503 and drops a 429;
5. parsing (400), by `reconciler.signals`;
6. the store; 202 only once the signals are on disk, 503 when it cannot, so that the sender repeats.

The same delivery twice is the same signals: repeating is harmless. `wake` tells the loop that there is work, `observe`
counts answers by reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from reconciler.errors import HomeostatError, Permanent
from reconciler.ports.clock import Clock
from reconciler.ports.store import Store
from reconciler.signals import AlertLimits, parse_alertmanager
from webhooks.body import Refused, read_body
from webhooks.gate import SIGNATURE_HEADER, Bucket, Gate, Strangers
from webhooks.intake import Intake

PATH = "/webhooks/alertmanager"


@dataclass(frozen=True, slots=True)
class IngressSettings:
    """Bounds of the ingress; each default says why."""

    receiver: str = "default"  # names the source of these signals
    max_bytes: int = 1 << 20  # 1,000 alerts of 1 kB
    body_seconds: float = 10.0  # a sender in the same network needs milliseconds
    per_second: int = 100  # deliveries; Alertmanager sends one per group and interval
    burst: int = 1_000  # a storm of 500 single alerts fits twice
    failures_per_second: int = 1
    failures_burst: int = 20  # a person who mistypes a secret
    alerts: AlertLimits = field(default_factory=AlertLimits)


def _nothing() -> None:
    """Nobody is waiting to be woken."""


def _unseen(_: str) -> None:
    """Nobody counts."""


class Ingress:
    """The steps of one delivery, and what they share between deliveries."""

    def __init__(self, store: Store, clock: Clock, secret: str, settings: IngressSettings) -> None:
        self._gate = Gate(secret)
        self._intake = Intake(store)
        self._clock = clock
        self._settings = settings
        self._rate = Bucket(settings.per_second, settings.burst)
        self._strangers = Strangers(settings.failures_per_second, settings.failures_burst)

    async def deliver(self, request: Request) -> int:
        """How many signals the delivery held; Refused says why not."""
        host = request.client.host if request.client else ""
        if self._strangers.are_tired_of(host, self._clock.wall()):  # 1
            raise Refused(429, "failures", "too many deliveries without a valid secret", "wait a minute, check the secret")
        body = await read_body(request, self._settings.max_bytes, self._settings.body_seconds)  # 2
        self._authenticate(request, host, body)  # 3
        if not self._rate.take(self._clock.wall()):  # 4
            raise Refused(503, "rate", "too many deliveries", "deliver again later; group alerts by service")
        try:
            signals = parse_alertmanager(body, self._settings.receiver, self._clock.now(), self._settings.alerts)  # 5
        except Permanent as error:
            raise Refused(400, "malformed", error.message, error.next_step) from error
        try:
            await self._intake.keep(signals)  # 6
        except HomeostatError as error:
            raise Refused(503, "store", error.message, error.next_step) from error
        return len(signals)

    def _authenticate(self, request: Request, host: str, body: bytes) -> None:
        if not self._gate.admits(request.headers.get(SIGNATURE_HEADER), request.headers.get("authorization"), body):
            self._strangers.failed(host, self._clock.wall())
            step = "sign the raw body with X-Homeostat-Signature, or set http_config.authorization in Alertmanager"
            raise Refused(401, "unauthenticated", "the delivery does not prove the shared secret", step)


def make_router(
    store: Store,
    clock: Clock,
    secret: str,
    settings: IngressSettings | None = None,
    *,
    wake: Callable[[], None] = _nothing,
    observe: Callable[[str], None] = _unseen,
) -> APIRouter:
    """The route, for the application that also serves the pages. Refuses (Misconfigured) to exist without a secret."""
    ingress = Ingress(store, clock, secret, settings or IngressSettings())
    router = APIRouter()

    @router.post(PATH, status_code=202, response_model=None)
    async def alertmanager(request: Request) -> JSONResponse:
        try:
            count = await ingress.deliver(request)
        except Refused as refused:
            observe(refused.reason)
            return _answer(refused)
        observe("accepted")
        wake()
        return JSONResponse({"signals": count}, status_code=202)

    return router


def _answer(refused: Refused) -> JSONResponse:
    headers = {"retry-after": "5"} if refused.status in (429, 503) else {}
    content = {"error": refused.message, "reason": refused.reason, "next": refused.next_step}
    return JSONResponse(content, status_code=refused.status, headers=headers)


def make_app(
    store: Store,
    clock: Clock,
    secret: str,
    settings: IngressSettings | None = None,
    *,
    wake: Callable[[], None] = _nothing,
    observe: Callable[[str], None] = _unseen,
) -> FastAPI:
    """The ingress alone, as its own process; no interactive docs on a machine's entrance."""
    app = FastAPI(title="Homeostat webhooks", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(make_router(store, clock, secret, settings, wake=wake, observe=observe))
    return app
