"""POST /webhooks/alertmanager: the one route. An accepted alert is a stored claim and nothing more.

Steps, in this order; each refusal is an answer with the place and the next step, and nothing is stored before the last:
1.-4. as at every entrance;
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
from webhooks.body import Refused
from webhooks.entrance import Bounds, Entrance, answer
from webhooks.intake import Intake

PATH = "/webhooks/alertmanager"


@dataclass(frozen=True, slots=True)
class IngressSettings(Bounds):
    """Bounds of the ingress; each default says why."""

    max_bytes: int = 1 << 20  # 1,000 alerts of 1 kB
    per_second: int = 100  # deliveries; Alertmanager sends one per group and interval
    burst: int = 1_000  # a storm of 500 single alerts fits twice
    receiver: str = "default"  # names the source of these signals
    alerts: AlertLimits = field(default_factory=AlertLimits)


def _nothing() -> None:
    """Nobody is waiting to be woken."""


def _unseen(_: str) -> None:
    """Nobody counts."""


class Ingress:
    """The steps of one delivery, and what they share between deliveries."""

    def __init__(self, store: Store, clock: Clock, secret: str, settings: IngressSettings) -> None:
        proof = "sign the raw body with X-Homeostat-Signature, or set http_config.authorization in Alertmanager"
        again = "deliver again later; group alerts by service"
        self._entrance = Entrance(clock, secret, settings, what="deliveries", proof=proof, again=again)
        self._intake, self._clock, self._settings = Intake(store), clock, settings

    async def deliver(self, request: Request) -> int:
        """How many signals the delivery held; Refused says why not."""
        body = await self._entrance.admit(request)  # 1.-4.
        try:
            signals = parse_alertmanager(body, self._settings.receiver, self._clock.now(), self._settings.alerts)  # 5
        except Permanent as error:
            raise Refused(400, "malformed", error.message, error.next_step) from error
        try:
            await self._intake.keep(signals)  # 6
        except HomeostatError as error:
            raise Refused(503, "store", error.message, error.next_step) from error
        return len(signals)


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
            return answer(refused)
        observe("accepted")
        wake()
        return JSONResponse({"signals": count}, status_code=202)

    return router


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
