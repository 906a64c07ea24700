"""The scraper over real HTTP: a page becomes series; a source in trouble leaves a gap and a sentence."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.adapters.telemetry import BuiltinTelemetry, Scraper, ScrapeTarget, scraper
from reconciler.errors import Retryable
from reconciler.testing.clock import ManualClock

PAGE = b'lab_error_rate{service="cart"} 0.25\nlab_calls_total{service="cart",callee="checkout"} 7\n'


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        PATHS[self.path](self)

    def log_message(self, *_: object) -> None:
        return


def _answer(status: int, body: bytes, **headers: str) -> Callable[[_Handler], None]:
    def answered(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answered


def _drip(handler: _Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(40):
            handler.wfile.write(b"# drip\n")
            time.sleep(0.02)
    except OSError:
        return


PATHS: dict[str, Callable[[_Handler], None]] = {
    "/metrics": _answer(200, PAGE),
    "/broken": _answer(200, b"<html>"),
    "/error": _answer(500, PAGE),
    "/moved": _answer(302, b"", Location="/metrics"),
    "/large": _answer(200, b"# " + b"x" * 200_000),
    "/drip": _drip,
}


@pytest.fixture
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[BuiltinTelemetry]:
    made = BuiltinTelemetry(tmp_path / "telemetry")
    yield made
    made.close()


@pytest.fixture
def scrape(telemetry: BuiltinTelemetry) -> Iterator[Callable[..., object]]:
    made = []

    def scraped(*urls: str):
        made.append(
            Scraper([ScrapeTarget(url.rpartition("/")[2], url, timeout_ms=300) for url in urls], telemetry, ManualClock())
        )
        return made[-1].scrape()

    yield scraped
    for one in made:
        one.close()


def test_a_page_becomes_series_at_the_clocks_time(base: str, telemetry: BuiltinTelemetry, scrape):
    (report,) = scrape(f"{base}/metrics")
    assert (report.samples, report.error) == (2, "")
    assert telemetry.series("cart", "error_rate", 0, 1 << 50).times == (ManualClock().now(),)
    assert telemetry.topology().calls == (("cart", "checkout"),)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/broken", "malformed at line 1"),
        ("/error", "answered 500"),
        ("/moved", "answered 302"),
        ("/large", "more than 100000 bytes"),
        ("/drip", "took longer than 300 ms"),
    ],
)
def test_a_source_in_trouble_leaves_a_gap_and_others_are_scraped(base, telemetry, scrape, monkeypatch, path, sentence):
    monkeypatch.setattr(scraper, "MAX_BYTES", 100_000)
    bad, good = scrape(base + path, f"{base}/metrics")
    assert sentence in bad.error
    assert (bad.samples, good.samples) == (0, 2)


def test_a_source_that_is_not_there_is_retryable(telemetry: BuiltinTelemetry):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    made = Scraper([], telemetry, ManualClock())
    with pytest.raises(Retryable, match="did not answer") as failed:
        made.scrape_one(ScrapeTarget("gone", f"http://127.0.0.1:{free}/metrics"))
    made.close()
    assert "check that" in failed.value.next_step
