"""OTLP over real HTTP, in the official messages: who may send, what becomes of it, and what hostile bodies get."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from otlp_payloads import AT_MS, Metrics, logs, spans, trace

from reconciler.adapters.telemetry import BuiltinTelemetry
from reconciler.documents.installation_sources import OtlpSource
from reconciler.testing.clock import ManualClock
from webhooks.otlp import OtlpSettings, make_otlp_router
from webhooks.otlp_intake import OtlpIntake

SECRET = "a-secret-of-enough-bytes"
BEARER = {"authorization": f"Bearer {SECRET}"}
PROTOBUF = {"content-type": "application/x-protobuf"}
SMALL = OtlpSettings(max_bytes=50_000, body_seconds=0.3, per_second=1, burst=30, failures_burst=3)
SOURCE = OtlpSource(name="sent", kind="otlp", interval_ms=1_000)


@dataclass
class Server:
    """A running ingress over a real store."""

    url: str
    telemetry: BuiltinTelemetry
    clock: ManualClock
    intake: OtlpIntake
    client: httpx.Client
    seen: list[str] = field(default_factory=list)

    def post(self, kind: str, body: bytes, **headers: str) -> httpx.Response:
        told = {**BEARER, **PROTOBUF, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.client.post(f"{self.url}/v1/{kind}", content=body, headers=told)

    def settle(self, ms: int = 20_000) -> None:
        self.intake.settle(self.clock.advance(ms))

    def last(self, component: str, metric: str) -> float | None:
        values = self.telemetry.series(component, metric, 0, self.clock.now()).values
        return values[-1] if values else None


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, trust_env=False) as made:
        yield made


@pytest.fixture
def server(tmp_path: Path, client: httpx.Client) -> Iterator[Server]:
    clock, telemetry = ManualClock(AT_MS), BuiltinTelemetry(tmp_path / "telemetry")
    intake = OtlpIntake(telemetry.write, clock, tmp_path / "templates.json")
    intake.adopt(SOURCE)
    listener = socket.create_server(("127.0.0.1", 0))
    made = Server(f"http://127.0.0.1:{listener.getsockname()[1]}", telemetry, clock, intake, client)
    app = FastAPI()
    app.include_router(make_otlp_router(intake, clock, SECRET, SMALL, observe=made.seen.append))
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    try:
        yield made
    finally:
        running.should_exit = True
        thread.join(10)
        listener.close()
        telemetry.close()


def _gauge() -> bytes:
    return Metrics("cart").gauge("jobs.waiting", 7.0, AT_MS).request.SerializeToString()


def test_metrics_in_protobuf_become_samples(server: Server):
    answer = server.post("metrics", _gauge())
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "application/x-protobuf")
    server.settle()
    assert server.last("cart", "jobs_waiting") == 7.0
    assert server.seen == ["accepted"]


def test_json_and_gzip_say_the_same_as_plain_protobuf(server: Server):
    told = json_format.MessageToDict(spans(trace(1, AT_MS)))
    for scope in [scope for resource in told["resourceSpans"] for scope in resource["scopeSpans"]]:
        for span in scope["spans"]:  # OTLP's JSON has hexadecimal ids
            span |= {name: _hexadecimal(span[name]) for name in ("traceId", "spanId", "parentSpanId") if name in span}
    body = gzip.compress(json.dumps(told).encode())
    answer = server.post("traces", body, content_type="application/json", content_encoding="gzip")
    assert (answer.status_code, answer.json()) == (200, {})
    server.settle()
    assert server.telemetry.topology().calls == (("frontend", "cart"),)
    assert server.last("frontend", "self_time_p50") == pytest.approx(40.0)


def _hexadecimal(text: str) -> str:
    import base64

    return base64.b64decode(text).hex()


def test_traces_and_logs_become_rates_and_shares(server: Server):
    server.post("traces", spans(trace(1, AT_MS) + trace(2, AT_MS, failed=True)).SerializeToString())
    server.post("logs", logs("cart", [(AT_MS, "took 5 ms", 9), (AT_MS, "card refused", 17)]).SerializeToString())
    server.settle()
    assert (server.last("cart", "request_rate"), server.last("cart", "error_rate")) == (2.0, 0.5)
    assert (server.last("cart", "log_rate"), server.last("cart", "log_error_share")) == (2.0, 0.5)


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong-secret-of-bytes"}])
def test_who_does_not_know_the_secret_is_refused_and_then_not_even_read(server: Server, header: dict[str, str]):
    asked = [
        server.client.post(f"{server.url}/v1/metrics", content=_gauge(), headers={**PROTOBUF, **header}).status_code
        for _ in range(4)
    ]
    assert asked == [401, 401, 401, 429]
    server.settle()
    assert server.telemetry.newest_ms() == 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"\xff\xff\xff", {}, 400, "malformed"),
        (b"{", {"content_type": "application/json"}, 400, "malformed"),
        (b"[" * 40_000, {"content_type": "application/json"}, 400, "malformed"),
        (b'{"resourceMetrics": 7}', {"content_type": "application/json"}, 400, "malformed"),
        (b"not gzip", {"content_encoding": "gzip"}, 400, "malformed"),
        (gzip.compress(_gauge())[:-9], {"content_encoding": "gzip"}, 400, "malformed"),
        (gzip.compress(b"\0" * (17 << 20)), {"content_encoding": "gzip"}, 413, "too-large"),
        (b"x" * 50_001, {}, 413, "too-large"),
        (_gauge(), {"content_encoding": "zstd"}, 415, "encoded"),
        (_gauge(), {"content_type": "text/plain"}, 415, "media-type"),
    ],
    ids=["no protobuf", "no JSON", "deep JSON", "other JSON", "no gzip", "cut gzip", "a bomb", "long", "zstd", "text"],
)
def test_a_body_that_is_none_is_refused_with_the_reason(
    server: Server, body: bytes, headers: dict[str, Any], status: int, reason: str
):
    answer = server.post("metrics", body, **headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert server.seen == [reason]


def test_nothing_is_taken_that_homeostat_yaml_does_not_ask_for(server: Server):
    server.intake.adopt(None)
    assert server.post("metrics", _gauge()).json()["next"] == "add a source of kind otlp to homeostat.yaml"


def test_too_many_deliveries_are_to_be_repeated(server: Server):
    answers = [server.post("metrics", _gauge()) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [503]
    assert answers[-1].headers["retry-after"] == "5"


def test_what_is_left_out_is_said_to_the_sender(server: Server):
    body = Metrics("cart").gauge("a", float("nan"), AT_MS).gauge("b", 1.0, AT_MS + 60_000).gauge("c", 1.0, AT_MS).request
    told = ExportMetricsServiceResponse.FromString(server.post("metrics", body.SerializeToString()).content)
    assert told.partial_success.rejected_data_points == 2
    assert told.partial_success.error_message == "1 from the future; 1 without component, time or a finite value"
