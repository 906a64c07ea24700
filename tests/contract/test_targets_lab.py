"""The promises of every Target, held against the lab over real HTTP, and what its client does when the lab misbehaves."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from reconciler.adapters.targets.lab import MAX_ANSWER, LabTarget
from reconciler.converge.shapes import body_digest
from reconciler.errors import Permanent, Retryable
from reconciler.lab.server import make_server
from reconciler.lab.world import World
from reconciler.model.records import Stamp
from reconciler.model.revisions import DesiredObject, Plan, Step, Verb
from reconciler.testing.check_target import CHECKS, TargetRig


class StillClock:
    """A Clock that stands: nothing but the checks moves this lab."""

    def now(self) -> int:
        return 1_000_000

    def wall(self) -> int:
        return 1_000_000

    def stamp(self) -> Stamp:
        return Stamp(1_000_000, 1_000_000)


class LabRig:
    def __init__(self, url: str) -> None:
        self.url = url
        self.target = LabTarget("lab", url)

    def desired(self, unit: str, name: str, variant: int) -> DesiredObject:
        body = {
            "release": "1.0.0",
            "replicas": variant,
            "cpuMillis": 500,
            "memoryMiB": 512,
            "workers": 8,
            "queue": {"limit": 200, "timeoutMs": 2_000},
            "calls": [],
            "restart": "",
        }
        return DesiredObject(f"Service/{name}", unit, body, f"apps/{unit}/{name}.yaml", body_digest(body))

    def invalid(self, unit: str, name: str) -> DesiredObject | None:
        body = {"replicas": "many"}
        return DesiredObject(f"Service/{name}", unit, body, "x.yaml", body_digest(body))

    def disturb(self, object_id: str) -> None:
        fault = {"kind": "hand-edit", "id": object_id, "set": {"replicas": 7}}
        httpx.post(f"{self.url}/faults", json=fault).raise_for_status()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[TargetRig]:
    server = make_server(World(tmp_path / "lab", StillClock()))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    found = LabRig(f"http://127.0.0.1:{server.server_port}")
    try:
        yield found
    finally:
        found.target.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_lab_keeps_the_promise(rig: TargetRig, check: Callable[[TargetRig], None]) -> None:
    check(rig)


class _Answer:
    status, body = 200, b"{}"


@pytest.fixture
def odd_lab() -> Iterator[tuple[LabTarget, type[_Answer]]]:
    """A lab that answers whatever the test says."""

    class Say(_Answer):
        pass

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(Say.status)
            self.send_header("content-length", str(len(Say.body)))
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(Say.body)

        do_POST = do_GET  # noqa: N815 - the base class named it so

        def log_message(self, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    target = LabTarget("lab", f"http://127.0.0.1:{server.server_port}", timeout_ms=2_000)
    try:
        yield target, Say
    finally:
        target.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (503, b'{"error": "full"}'),
        (302, b"{}"),
        (200, b"<html>"),
        (200, b"{}"),
        (200, b'{"unit": "shop", "generation": "many", "revision": "", "objects": {}, "inventory": {}}'),
        (200, b'{"unit": "shop", "objects": ' + b"[" * 100_000),
    ],
)
def test_an_answer_that_says_nothing_is_unknown_not_empty(
    odd_lab: tuple[LabTarget, type[_Answer]], status: int, body: bytes
) -> None:
    target, say = odd_lab
    say.status, say.body = status, body
    with pytest.raises(Retryable):
        target.observe("shop")


def test_a_request_that_the_lab_does_not_understand_is_not_repeated(odd_lab: tuple[LabTarget, type[_Answer]]) -> None:
    target, say = odd_lab
    say.status, say.body = 400, b'{"error": "no such field"}'
    with pytest.raises(Permanent, match="no such field"):
        target.observe("shop")


def test_an_endless_answer_is_cut_off(odd_lab: tuple[LabTarget, type[_Answer]]) -> None:
    target, say = odd_lab
    say.body = b" " * (MAX_ANSWER + 1)
    with pytest.raises(Retryable, match="DecodingError"):
        target.inventory()


def test_an_apply_that_does_not_answer_for_every_step_is_not_believed(odd_lab: tuple[LabTarget, type[_Answer]]) -> None:
    target, say = odd_lab
    say.body = json.dumps({"reason": "applied", "results": []}).encode()
    plan = Plan("shop", "lab", "1" * 40, 1, (Step(Verb.PRUNE, "Service/a"),), ())
    with pytest.raises(Retryable, match="did not say"):
        target.apply(plan)


def test_a_lab_that_is_not_there_is_told_with_its_address() -> None:
    target = LabTarget("lab", "http://127.0.0.1:9", timeout_ms=500)
    try:
        with pytest.raises(Retryable, match=r"127\.0\.0\.1:9 does not answer GET /inventory"):
            target.inventory()
    finally:
        target.close()
