"""Sources of homeostat.yaml connected: a server is asked beside the loop, with a secret that only its own origin ever gets."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from reconciler.adapters.telemetry import BuiltinTelemetry
from reconciler.bootstrap.asking import Asking
from reconciler.bootstrap.connections import Connections
from reconciler.documents.installation import Installation
from reconciler.documents.loader import load_one
from reconciler.errors import Misconfigured
from reconciler.settings import CredentialSettings
from reconciler.testing.clock import START_MS, ManualClock

HEAD = """apiVersion: homeostat/v1
kind: Installation
metadata: {name: main}
spec:
  repository: infra
  targets: [{name: files, kind: directory, settings: {path: out}}]
  units: []
  sources:
"""
ASKED = """    - name: prom
      kind: promql
      url: URL
      credential: prom
      intervalMs: 1000
      metrics: [{name: error_rate, query: 'errors{$component}'}]
"""
MATRIX = {"resultType": "matrix", "result": [{"metric": {"service": "cart"}, "values": [[START_MS / 1_000, "0.25"]]}]}


class Stub:
    """A server that answers `body` with `status`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps({"status": "success", "data": MATRIX}).encode()
        self.asked: list[tuple[str, str | None, dict[str, list[str]]]] = []
        self.answers = threading.Event()
        self.answers.set()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                stub.asked.append((self.path, self.headers.get("authorization"), form))
                stub.answers.wait(10)
                self.send_response(stub.status)
                self.send_header("content-length", str(len(stub.body)))
                self.send_header("location", "/elsewhere")
                self.end_headers()
                self.wfile.write(stub.body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()
    yield made
    made.stop()


class Site:
    """Connections with a store and one credential."""

    def __init__(self, folder: Path, stub: Stub, **credential: str) -> None:
        (folder / "token").touch(mode=0o600)
        (folder / "token").write_text("s3cret\n")
        self.clock, self.stub, self.telemetry = ManualClock(START_MS), stub, BuiltinTelemetry(folder / "telemetry")
        settings = {"prom": CredentialSettings(**{"origin": stub.url, "file": "token", **credential})}
        asking = Asking(folder, settings, self.clock, self.telemetry.write)
        self.connections = Connections(folder, "http://127.0.0.1:1", self.telemetry, self.clock, asking)

    def adopt(self, sources: str = ASKED) -> None:
        document = load_one((HEAD + sources.replace("URL", self.stub.url)).encode(), "homeostat.yaml", Installation).document
        rules: Any = SimpleNamespace(installation=document, health=())
        self.connections.adopt(rules)

    def turn(self) -> int:
        """Asks, waits for the answer, and takes it in."""
        self.connections.scrape(self.clock.advance(1_000))
        until = time.monotonic() + 10
        while not self.connections.due(self.clock.now()) and time.monotonic() < until:
            time.sleep(0.005)
        return self.connections.scrape(self.clock.now())


@pytest.fixture
def site(tmp_path: Path, stub: Stub) -> Iterator[Site]:
    made = Site(tmp_path, stub)
    yield made
    made.connections.close()
    made.telemetry.close()


def test_what_a_server_knows_is_copied_into_the_store(site: Site):
    site.adopt()
    assert site.turn() == 1
    assert site.telemetry.series("cart", "error_rate", 0, START_MS).values == (0.25,)
    path, proof, form = site.stub.asked[0]
    assert (path, proof) == ("/api/v1/query", "Bearer s3cret")
    assert form["query"] == ['errors{service!=""}[3600001ms]']


def test_a_name_and_a_secret_are_basic_authentication(tmp_path: Path, stub: Stub):
    site = Site(tmp_path, stub, user="ada")
    site.adopt()
    site.turn()
    assert stub.asked[0][1] == "Basic " + base64.b64encode(b"ada:s3cret").decode()
    site.connections.close()


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "http://127.0.0.1", "https://metrics.example.org"])
def test_a_secret_is_never_sent_to_another_origin(tmp_path: Path, stub: Stub, origin: str):
    site = Site(tmp_path, stub, origin=origin)
    with pytest.raises(Misconfigured, match="with a credential that is for"):
        site.adopt()
    assert not stub.asked


def test_a_credential_that_this_machine_lacks_refuses_the_revision_and_changes_nothing(site: Site):
    site.adopt("    []\n")
    with pytest.raises(Misconfigured, match="uses the credential other, which this machine does not have"):
        site.adopt(ASKED.replace("credential: prom", "credential: other"))
    assert site.connections.scrape(site.clock.advance(10_000)) == 0
    assert not site.connections.faults


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (302, b"", "answered 302"),
        (503, b"<html>", "answered 503 to the query of error_rate: no reason"),
        (422, b'{"status":"error","error":"too\\nmany"}', "too many"),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[]}}', "gave no series for error_rate"),
        (200, b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1]]}]}}', "no series"),
        (200, b"[" * 100_000, "answered 200 to the query of error_rate: no reason"),
    ],
)
def test_an_answer_that_is_none_is_a_fault_and_a_gap(site: Site, status: int, body: bytes, said: str):
    site.stub.status, site.stub.body = status, body
    site.adopt()
    assert site.turn() == 0
    assert said in site.connections.faults[0]
    assert len(site.stub.asked) == 1
    assert site.telemetry.newest_ms() == 0


def test_a_secret_that_is_gone_is_asked_for_again_later(site: Site, tmp_path: Path):
    (tmp_path / "token").unlink()
    site.adopt()
    site.turn()
    assert "cannot read the secret" in site.connections.faults[0]
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text("new")
    site.turn()
    assert site.stub.asked[-1][1] == "Bearer new"
    assert site.connections.faults == ()


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o644, 0o666])
def test_a_secret_that_others_can_read_or_write_is_not_sent(site: Site, tmp_path: Path, mode: int):
    (tmp_path / "token").chmod(mode)
    site.adopt()
    site.turn()
    (said,) = site.connections.faults
    assert (f"{tmp_path}/token" in said, f"mode {mode:04o}" in said, site.stub.asked) == (True, True, [])
    (tmp_path / "token").chmod(0o600)
    assert site.turn() == 1


def test_a_secret_that_kubernetes_mounts_for_a_group_is_sent(tmp_path: Path, stub: Stub):
    site = Site(tmp_path, stub, file="mounted/token")
    version = tmp_path / "mounted" / "..2026_11_21"
    version.mkdir(parents=True)
    (version / "token").write_text("s3cret")
    (version / "token").chmod(0o440)
    (tmp_path / "mounted" / "..data").symlink_to(version.name)
    (tmp_path / "mounted" / "token").symlink_to("..data/token")
    site.adopt()
    site.turn()
    assert [proof for _, proof, _ in stub.asked] == ["Bearer s3cret"]
    site.connections.close()


def test_a_pipe_in_the_place_of_a_secret_is_not_waited_for(site: Site, tmp_path: Path):
    (tmp_path / "token").unlink()
    os.mkfifo(tmp_path / "token", 0o600)
    site.adopt()
    site.turn()
    assert "is no plain file" in site.connections.faults[0]


def test_what_was_sent_and_is_one_series_too_many_is_counted(site: Site):
    assert site.connections.write([("cart", f"m{n}", START_MS, 1.0) for n in range(1_002)], START_MS) == 1_000
    assert site.connections.refused() == {"of too many series": 2}


def test_a_server_that_hangs_does_not_stop_the_loop(site: Site):
    site.adopt()
    site.stub.answers.clear()
    began = time.monotonic()
    for _ in range(5):
        site.connections.scrape(site.clock.advance(1_000))
    assert time.monotonic() - began < 1
    assert len(site.stub.asked) <= 1  # nobody asks again who still waits
    site.stub.answers.set()
    assert site.turn() == 1


def test_what_is_dropped_from_the_documents_is_asked_no_more(site: Site):
    site.adopt()
    site.turn()
    site.adopt("    []\n")
    asked = len(site.stub.asked)
    site.connections.scrape(site.clock.advance(10_000))
    assert not site.connections.due(site.clock.now())
    assert len(site.stub.asked) == asked
