"""Pages over real HTTP: to the allow-listed host, once a key, never where a redirect or a name would lead."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.adapters.notify import WebhookNotifier, make_notifier
from reconciler.errors import Misconfigured, Retryable
from reconciler.testing.clock import ManualClock


class Receiver(ThreadingHTTPServer):
    """Keeps what it was sent; answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.got: list[tuple[str, dict[str, str], dict]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:  # a followed redirect would come here
        self.do_POST()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def notifier(receiver: Receiver, tmp_path: Path) -> Iterator[WebhookNotifier]:
    url = f"http://localhost:{receiver.server_port}/page"
    made = WebhookNotifier(url, {"localhost"}, tmp_path / "sent.jsonl", ManualClock(), private=True)
    yield made
    made.close()


def test_a_page_is_posted_once_with_its_key(receiver: Receiver, notifier: WebhookNotifier):
    for _ in range(2):
        notifier.page("case/1\n", "Title", "text", "http://console")
    ((path, headers, body),) = receiver.got
    assert (path, headers["idempotency-key"]) == ("/page", "case/1_")
    assert headers["host"] == f"localhost:{receiver.server_port}"
    assert body == {"key": "case/1\n", "title": "Title", "text": "text", "url": "http://console"}


@pytest.mark.parametrize("status", [302, 307, 400, 500])
def test_a_page_that_was_not_taken_is_retried_and_no_redirect_is_followed(receiver, notifier, status: int):
    receiver.status = status
    with pytest.raises(Retryable, match=f"answered {status}"):
        notifier.page("k", "", "", "")
    assert [path for path, _, _ in receiver.got] == ["/page"]
    receiver.status = 204
    notifier.page("k", "", "", "")
    assert len(receiver.got) == 2


def test_a_receiver_that_is_not_there_is_retryable(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    notifier = WebhookNotifier(f"http://127.0.0.1:{free}/", {"127.0.0.1"}, tmp_path / "l", ManualClock(), private=True)
    with pytest.raises(Retryable, match="did not reach"):
        notifier.page("k", "", "", "")
    notifier.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://evil.example/", "not allow-listed"),
        ("https://hooks.example.evil/", "not allow-listed"),
        ("http://hooks.example/", "https only"),
        ("file://hooks.example/etc/passwd", "https only"),
        ("https://user:pass@hooks.example/", "holds no password"),
        ("", "not allow-listed"),
    ],
)
def test_an_address_that_was_not_allowed_is_refused_at_the_start(tmp_path: Path, url: str, why: str):
    with pytest.raises(Misconfigured, match=why):
        WebhookNotifier(url, {"hooks.example"}, tmp_path / "l", ManualClock())


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1"])
def test_a_name_that_resolves_to_a_private_address_reaches_nothing(tmp_path: Path, monkeypatch, address: str):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answers = [(socket.AF_INET, 1, 6, "", ("93.184.216.34", 443)), (family, 1, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    notifier = WebhookNotifier("https://hooks.example/", {"hooks.example"}, tmp_path / "l", ManualClock())
    with pytest.raises(Misconfigured, match="private address"):
        notifier.page("k", "", "", "")
    notifier.close()


def test_settings_without_an_address_mean_the_page_file_alone(tmp_path: Path):
    make_notifier(tmp_path / "pages.jsonl", "", ManualClock()).page("k", "t", "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["pages.jsonl"]


def test_a_page_is_in_the_file_even_while_its_address_is_down(receiver: Receiver, tmp_path: Path):
    receiver.status = 500
    notifier = make_notifier(tmp_path / "pages.jsonl", f"http://127.0.0.1:{receiver.server_port}/", ManualClock())
    for _ in range(2):
        with pytest.raises(Retryable):
            notifier.page("k", "t", "", "")
    receiver.status = 204
    notifier.page("k", "t", "", "")
    assert (tmp_path / "pages.jsonl").read_text().count("\n") == 1
    assert len(receiver.got) == 3


@pytest.mark.parametrize("url", ["http://hooks.example/", "nonsense", "http://[::1"])
def test_an_address_that_cannot_be_used_is_refused_when_it_is_set(tmp_path: Path, url: str):
    with pytest.raises(Misconfigured):
        make_notifier(tmp_path / "pages.jsonl", url, ManualClock())
