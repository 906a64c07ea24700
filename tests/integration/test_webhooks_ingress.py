"""The ingress over real HTTP on a real store: what is answered, and what is on disk by then."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn

from reconciler.adapters.stores import SqliteStore
from reconciler.errors import Misconfigured
from reconciler.signals import AlertLimits
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from webhooks import IngressSettings, make_app
from webhooks.gate import Gate

SECRET = "a-secret-of-enough-bytes"
PATH = "/webhooks/alertmanager"
BEARER = {"authorization": f"Bearer {SECRET}"}
SMALL = IngressSettings(
    max_bytes=20_000, body_seconds=0.3, per_second=1, burst=30, failures_burst=3, alerts=AlertLimits(max_alerts=5)
)


@dataclass
class Server:
    """One running ingress."""

    url: str
    store: SqliteStore
    clock: ManualClock
    woken: list[bool] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        return httpx.post(self.url + PATH, content=body, headers=headers or BEARER, timeout=5, trust_env=False)

    def raw(self, request: bytes) -> bytes:
        """Bytes as no client library would send them; the first bytes of the answer."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(4_096)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    clock, store = ManualClock(), SqliteStore(tmp_path / "state.db", busy_ms=50)
    listener = socket.create_server(("127.0.0.1", 0))
    made = Server(f"http://127.0.0.1:{listener.getsockname()[1]}", store, clock)
    app = make_app(store, clock, SECRET, SMALL, wake=lambda: made.woken.append(True), observe=made.seen.append)
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    try:
        yield made
    finally:
        running.should_exit = True
        thread.join(10)
        listener.close()
        store.close()


def _body(*pods: str, **changes) -> bytes:
    labels = {"alertname": "Slow", "service": "checkout"}
    alert = {"status": "firing", "startsAt": "2023-11-14T22:00:00Z", **changes}
    return json.dumps({"version": "4", "alerts": [{**alert, "labels": {**labels, "pod": pod}} for pod in pods]}).encode()


def test_an_authenticated_delivery_is_stored_before_it_is_answered(server: Server):
    answer = server.post(_body("a", "b"))
    assert (answer.status_code, answer.json()) == (202, {"signals": 2})
    assert [signal.component for signal in server.store.pending_signals()] == ["checkout", "checkout"]
    assert (server.woken, server.seen) == ([True], ["accepted"])


def test_a_signed_delivery_is_accepted(server: Server):
    body = _body("a")
    assert server.post(body, **{"x-homeostat-signature": Gate(SECRET).signature(body)}).status_code == 202


def test_a_replayed_delivery_changes_nothing(server: Server):
    for _ in range(3):
        assert server.post(_body("a")).status_code == 202
        server.clock.advance(60_000)
    assert len(server.store.pending_signals()) == 1


@pytest.mark.parametrize(
    "headers", [{"x-none": "1"}, {"authorization": "Bearer wrong"}, {"x-homeostat-signature": "sha256=00", **BEARER}]
)
def test_an_unproven_delivery_is_refused_and_not_stored(server: Server, headers: dict[str, str]):
    answer = server.post(_body("a"), **headers)
    assert (answer.status_code, answer.json()["reason"]) == (401, "unauthenticated")
    assert "X-Homeostat-Signature" in answer.json()["next"]
    assert not server.store.pending_signals()


def test_a_forged_body_under_a_true_signature_is_refused(server: Server):
    signature = Gate(SECRET).signature(_body("a"))
    assert server.post(_body("b"), **{"x-homeostat-signature": signature}).status_code == 401


def test_who_keeps_failing_is_turned_away_until_time_passes(server: Server):
    answers = [server.post(_body("a"), authorization="Bearer wrong").status_code for _ in range(4)]
    assert answers == [401, 401, 401, 429]
    assert server.post(_body("a")).status_code == 429
    server.clock.advance(60_000)
    assert server.post(_body("a")).status_code == 202


def test_a_storm_over_the_rate_is_asked_to_come_again_and_then_accepted(server: Server):
    answers = [server.post(_body(str(n))).status_code for n in range(32)]
    assert (answers.count(202), answers[-1]) == (30, 503)
    server.clock.advance(2_000)
    assert server.post(_body("31")).status_code == 202


def test_a_body_that_announces_too_much_is_refused_unread(server: Server):
    answer = server.post(b"x" * 20_001)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too-large")


def test_a_chunked_body_is_counted_while_it_is_read(server: Server):
    chunks = (b"x" * 1_000 for _ in range(50))
    answer = httpx.post(server.url + PATH, content=chunks, headers=BEARER, timeout=5, trust_env=False)
    assert answer.status_code == 413


def test_a_compressed_body_is_refused(server: Server):
    assert server.post(_body("a"), **{"content-encoding": "gzip", **BEARER}).status_code == 415


def test_a_truncated_body_is_not_stored(server: Server):
    body = _body("a")
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
    server.raw(head.encode() + body[:-5])
    assert not server.store.pending_signals()
    assert server.post(body).status_code == 202


def test_a_body_that_does_not_arrive_is_given_up(server: Server):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf".encode())
        assert connection.recv(4_096).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("body", "place"),
    [(b"{", "not JSON"), (b"\xff", "not UTF-8"), (_body("a", startsAt="2999-01-01T00:00:00Z"), "alerts[0].startsAt")],
)
def test_a_malformed_delivery_is_refused_with_its_place(server: Server, body: bytes, place: str):
    answer = server.post(body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "malformed")
    assert place in answer.json()["error"]
    assert answer.json()["next"]


def test_a_store_that_cannot_write_makes_the_sender_repeat(server: Server):
    server.store._connection.execute("PRAGMA query_only = ON")
    answer = server.post(_body("a"))
    assert (answer.status_code, answer.json()["reason"], answer.headers["retry-after"]) == (503, "store", "5")
    server.store._connection.execute("PRAGMA query_only = OFF")
    assert server.post(_body("a")).status_code == 202


def test_only_post_and_only_this_path_answer(server: Server):
    statuses = [httpx.get(server.url + path, trust_env=False).status_code for path in (PATH, "/", "/docs", "/openapi.json")]
    assert statuses == [405, 404, 404, 404]


def test_no_ingress_exists_without_a_secret():
    with pytest.raises(Misconfigured):
        make_app(MemoryStore(), ManualClock(), "")


def test_the_alert_cap_holds_for_one_body(server: Server):
    answer = server.post(_body(*"abcdef"))
    assert answer.status_code == 400
    assert "holds 6 alerts, at most 5 fit" in answer.json()["error"]
