"""POST /v1/metrics, /v1/traces and /v1/logs: OTLP over HTTP, as OpenTelemetry's exporters and collector send it.

Steps, in this order; each refusal is an answer with the next step:
1. whoever kept failing to authenticate is turned away unread (429);
2. the body is read, counted (413) and timed (408), plain or gzip, still packed, as many at once as are allowed (503);
3. authentication over the raw bytes, by the same secret as other deliveries (401);
4. whether homeostat.yaml names a source of kind otlp (403), and the media type (415): what nobody asked for is not parsed;
5. the rate of deliveries; over it 503, which exporters repeat;
6. unpacking and parsing (400, 413, 415), in a thread, as many at once as are allowed (503);
7. counting in. 200 means counted, not stored: samples are lost with the process until their interval is over. What was left
   out is said in `partial_success`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from reconciler.ports.clock import Clock
from webhooks import otlp_messages as messages
from webhooks.body import Refused, read_body
from webhooks.gate import SIGNATURE_HEADER, Bucket, Gate, Strangers
from webhooks.otlp_intake import OtlpIntake


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """Bounds of the ingress; each default says why."""

    max_bytes: int = 4 << 20  # packed; a collector's batch of 8,192 spans is about 2 MB plain
    body_seconds: float = 10.0
    per_second: int = 20  # deliveries; a collector sends one per kind and few seconds, an exporter one a minute
    burst: int = 200
    reading: int = 32  # bodies at the same time, whoever sends them: 128 MiB
    at_once: int = 2  # parsed at the same time; the loop shares the processor
    waiting: int = 20
    failures_per_second: int = 1
    failures_burst: int = 20


class _Ingress:
    """The steps of one delivery, and what they share."""

    def __init__(self, intake: OtlpIntake, clock: Clock, secret: str, settings: OtlpSettings) -> None:
        self._intake, self._clock, self._settings = intake, clock, settings
        self._gate = Gate(secret)
        self._rate = Bucket(settings.per_second, settings.burst)
        self._strangers = Strangers(settings.failures_per_second, settings.failures_burst)
        self._turns = asyncio.Semaphore(settings.at_once)
        self._reading = self._waiting = 0

    async def deliver(self, request: Request, kind: str, content_type: str) -> bytes:
        """The response message; Refused says why there is none."""
        host = request.client.host if request.client else ""
        if self._strangers.are_tired_of(host, self._clock.wall()):  # 1
            raise Refused(429, "failures", "too many deliveries without a valid secret", "wait a minute, check the secret")
        settings = self._settings
        body = await self._read(request)  # 2
        self._authenticate(request, host, body)  # 3
        if not self._intake.open:  # 4
            step = "add a source of kind otlp to homeostat.yaml"
            raise Refused(403, "closed", "this installation takes no OTLP", step)
        if content_type not in (messages.PROTOBUF, messages.JSON):
            step = f"send {messages.PROTOBUF} or {messages.JSON}"
            raise Refused(415, "media-type", f"{content_type[:80] or 'nothing'} is no OTLP", step)
        if not self._rate.take(self._clock.wall()) or self._waiting >= settings.waiting:  # 5
            raise Refused(503, "rate", "too many deliveries", "deliver again later; send larger batches through a collector")
        self._waiting += 1
        try:
            async with self._turns:  # 6
                encoding = request.headers.get("content-encoding", "identity")
                return await asyncio.to_thread(self._taken, kind, body, encoding, content_type)
        finally:
            self._waiting -= 1

    async def _read(self, request: Request) -> bytes:
        if self._reading >= self._settings.reading:
            raise Refused(503, "rate", "too many bodies are being read", "deliver again later")
        self._reading += 1
        try:
            return await read_body(request, self._settings.max_bytes, self._settings.body_seconds, ("identity", "gzip"))
        finally:
            self._reading -= 1

    def _taken(self, kind: str, body: bytes, encoding: str, content_type: str) -> bytes:
        request = messages.message(kind, messages.inflated(body, encoding, content_type), content_type)
        taken = self._intake.take(kind, request)  # 7
        return messages.answer(kind, taken.refused, taken.why, content_type)

    def _authenticate(self, request: Request, host: str, body: bytes) -> None:
        if not self._gate.admits(request.headers.get(SIGNATURE_HEADER), request.headers.get("authorization"), body):
            self._strangers.failed(host, self._clock.wall())
            step = "set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20SECRET, or headers in the collector's otlphttp exporter"
            raise Refused(401, "unauthenticated", "the delivery does not prove the shared secret", step)


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
                return _answer(refused)
            observe("accepted")
            return Response(told, media_type=content_type)

    for kind in messages.KINDS:
        serve(kind)
    return router


def _answer(refused: Refused) -> JSONResponse:
    """As JSON also for protobuf: exporters read the status alone."""
    headers = {"retry-after": "5"} if refused.status in (429, 503) else {}
    content = {"error": refused.message, "reason": refused.reason, "next": refused.next_step}
    return JSONResponse(content, status_code=refused.status, headers=headers)
