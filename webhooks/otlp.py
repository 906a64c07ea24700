"""POST /v1/metrics, /v1/traces and /v1/logs: OTLP over HTTP, as OpenTelemetry's exporters and collector send it.

Steps, in this order; each refusal is an answer with the next step:
1.-4. as at every entrance, with the secret of other deliveries; the body may be gzip and is still packed;
5. whether homeostat.yaml names a source of kind otlp (403), and the media type (415): what nobody asked for is not parsed;
6. unpacking and parsing (400, 413, 415), in threads of its own, as many at once and waiting as are allowed (503);
7. counting in. 200 means counted, not stored: samples are lost with the process until their interval is over. What was left
   out is said in `partial_success`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from reconciler.ports.clock import Clock
from webhooks import otlp_messages as messages
from webhooks.body import Refused
from webhooks.entrance import Bounds, Entrance, Hands, answer
from webhooks.otlp_intake import OtlpIntake

_AGAIN = "deliver again later; send larger batches through a collector"


@dataclass(frozen=True, slots=True)
class OtlpSettings(Bounds):
    """Bounds of the ingress; each default says why."""

    max_bytes: int = 4 << 20  # packed; a collector's batch of 8,192 spans is about 2 MB plain
    reading: int = 32  # 128 MiB
    per_second: int = 20  # deliveries; a collector sends one per kind and few seconds, an exporter one a minute
    burst: int = 200
    at_once: int = 2  # parsed at the same time; the loop shares the processor
    waiting: int = 18


class _Ingress:
    """The steps of one delivery, and what they share."""

    def __init__(self, intake: OtlpIntake, clock: Clock, secret: str, settings: OtlpSettings) -> None:
        proof = "set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20SECRET, or headers in the collector's otlphttp exporter"
        self._intake = intake
        self._entrance = Entrance(clock, secret, settings, what="deliveries", proof=proof, again=_AGAIN)
        self._hands = Hands("otlp", settings.at_once, settings.waiting)

    async def deliver(self, request: Request, kind: str, content_type: str) -> bytes:
        """The response message; Refused says why there is none."""
        body = await self._entrance.admit(request, ("identity", "gzip"))  # 1.-4.
        if not self._intake.open:  # 5
            step = "add a source of kind otlp to homeostat.yaml"
            raise Refused(403, "closed", "this installation takes no OTLP", step)
        if content_type not in (messages.PROTOBUF, messages.JSON):
            step = f"send {messages.PROTOBUF} or {messages.JSON}"
            raise Refused(415, "media-type", f"{content_type[:80] or 'nothing'} is no OTLP", step)
        encoding = request.headers.get("content-encoding", "identity")
        return await self._hands.do(partial(self._taken, kind, body, encoding, content_type), _AGAIN)  # 6

    def _taken(self, kind: str, body: bytes, encoding: str, content_type: str) -> bytes:
        request = messages.message(kind, messages.inflated(body, encoding, content_type), content_type)
        taken = self._intake.take(kind, request)  # 7
        return messages.answer(kind, taken.refused, taken.why, content_type)


def make_otlp_router(
    intake: OtlpIntake,
    clock: Clock,
    secret: str,
    settings: OtlpSettings | None = None,
    *,
    observe: Callable[[str], None],
) -> APIRouter:
    """The three routes, for the application that also serves the webhooks. `observe` counts answers by reason."""
    ingress = _Ingress(intake, clock, secret, settings or OtlpSettings())
    router = APIRouter()

    def serve(kind: str) -> None:
        @router.post(f"/v1/{kind}", response_model=None)
        async def receive(request: Request) -> Response:
            content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            try:
                told = await ingress.deliver(request, kind, content_type)
            except Refused as refused:
                observe(refused.reason)
                return answer(refused)
            observe("accepted")
            return Response(told, media_type=content_type)

    for kind in messages.KINDS:
        serve(kind)
    return router
