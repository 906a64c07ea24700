"""The lab over real HTTP: every route, every refusal, and what a killed process leaves behind."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Permanent
from reconciler.lab.server import MOST_BYTES, make_server, serve, sole
from reconciler.lab.stage import read_manifests
from reconciler.lab.world import World
from reconciler.model.canonical import digest
from reconciler.testing.clock import ManualClock

APPS = Path(__file__).parents[2] / "infra-repo-template" / "apps"
MANIFESTS = read_manifests(APPS)


class Client:
    """One lab process's worth of things, and a client for it."""

    def __init__(self, home: Path) -> None:
        self.clock = ManualClock()
        self.home = home
        self.world = World(home, self.clock, seed=3)
        self.server = make_server(self.world)
        self.port = self.server.server_port

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        return answer.status, json.loads(raw) if answer.headers["Content-Type"] == "application/json" else raw.decode()

    def apply(self, unit: str, generation: int, *, path: str = "/apply", **fields: Any) -> tuple[int, Any]:
        specs = {i: {**s, **(fields if i == "Service/checkout" else {})} for i, s in MANIFESTS[unit].items()}
        objects = [{"id": i, "spec": s, "digest": digest(s)} for i, s in specs.items()]
        steps = [{"verb": "update", "id": i} for i in specs]
        return self.ask(
            "POST",
            path,
            {"unit": unit, "revision": f"r{generation}", "generation": generation, "steps": steps, "objects": objects},
        )

    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds * 1000)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Client]:
    client = Client(tmp_path / "lab")
    thread = threading.Thread(target=client.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield client
    client.server.shutdown()
    thread.join()
    client.server.server_close()


def test_a_deployed_unit_becomes_healthy_after_its_own_delay(lab: Client) -> None:
    status, answer = lab.apply("shop", 1)
    assert (status, answer["reason"]) == (200, "applied")
    assert {h["state"] for h in lab.ask("GET", "/health?unit=shop")[1]["health"]} == {"progressing"}
    lab.wait(30)
    assert {h["state"] for h in lab.ask("GET", "/health?unit=shop")[1]["health"]} == {"healthy"}


def test_what_was_applied_is_observed_byte_for_byte(lab: Client) -> None:
    lab.apply("data", 4)
    spec = MANIFESTS["data"]["Database/orders-db"]
    head = {"unit": "data", "generation": 4, "revision": "r4"}
    held = {"objects": {"Database/orders-db": spec}, "inventory": {"Database/orders-db": digest(spec)}}
    assert lab.ask("GET", "/observe?unit=data") == (200, {**head, **held})
    assert lab.ask("GET", "/inventory") == (200, {"objects": {"Database/orders-db": "data"}})


def test_an_older_generation_is_refused_and_nothing_is_done(lab: Client) -> None:
    lab.apply("shop", 7)
    before = lab.ask("GET", "/observe?unit=shop")
    status, answer = lab.apply("shop", 6, replicas=1)
    assert (status, answer) == (409, {"reason": "stale-plan", "generation": 7, "revision": "r7", "results": []})
    assert lab.ask("GET", "/observe?unit=shop") == before


def test_a_dry_run_answers_like_apply_and_touches_nothing(lab: Client) -> None:
    assert lab.apply("shop", 1, path="/dry-run", replicas=99)[1]["reason"] == "invalid"
    assert lab.apply("shop", 1, path="/dry-run")[1]["reason"] == "applied"
    assert lab.ask("GET", "/observe?unit=shop")[1]["generation"] == 0


def test_wrong_objects_are_reported_one_by_one(lab: Client) -> None:
    status, answer = lab.apply("shop", 1, replicas=99, workers=0)
    bad = [r for r in answer["results"] if not r["ok"]]
    assert (status, [r["id"] for r in bad], bad[0]["reason"]) == (200, ["Service/checkout"], "invalid")
    assert len(lab.ask("GET", "/observe?unit=shop")[1]["objects"]) == 4


def test_faults_come_and_go(lab: Client) -> None:
    status, fault = lab.ask("POST", "/faults", {"kind": "surge", "service": "search", "factor": 2})
    assert (status, fault["id"]) == (200, "f1")
    assert lab.ask("GET", "/faults")[1]["faults"] == [fault]
    assert lab.ask("DELETE", "/faults/f1") == (200, {"id": "f1"})
    assert lab.ask("DELETE", "/faults/f1")[0] == 404
    lab.ask("POST", "/faults", {"kind": "surge", "service": "search", "factor": 2})
    assert lab.ask("POST", "/reset-faults", {})[1] == {"removed": ["f2"]}


def test_a_hand_edit_is_seen_by_observe_and_undone_by_the_same_generation(lab: Client) -> None:
    lab.apply("shop", 1)
    lab.ask("POST", "/faults", {"kind": "hand-edit", "id": "Service/checkout", "set": {"replicas": 1}})
    assert lab.ask("GET", "/observe?unit=shop")[1]["objects"]["Service/checkout"]["replicas"] == 1
    lab.apply("shop", 1)
    assert lab.ask("GET", "/observe?unit=shop")[1]["objects"]["Service/checkout"]["replicas"] == 3


def test_metrics_are_prometheus_text_with_every_sensor_name(lab: Client) -> None:
    for unit in MANIFESTS:
        lab.apply(unit, 1)
    lab.wait(60)
    status, text = lab.ask("GET", "/metrics")
    assert status == 200
    sample = re.compile(r'lab_[a-z0-9_]+(\{[a-z]+="[-a-z_]+"(,[a-z]+="[-a-z_]+")?\})? -?[0-9.e+-]+')
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(sample.fullmatch(line) for line in lines), [line for line in lines if not sample.fullmatch(line)][:3]
    for metric in ("request_rate", "error_rate", "latency_p99", "queue_depth", "cpu_usage", "memory_usage", "release_age_s"):
        assert f'lab_{metric}{{service="checkout"}}' in text
    assert 'lab_database_connections{service="orders-db"}' in text
    assert 'lab_calls_total{service="checkout",callee="payment"}' in text
    assert f"lab_time_seconds {lab.clock.now() / 1000:.3f}" in text
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))


def test_the_state_shows_releases_and_metrics(lab: Client) -> None:
    lab.apply("shop", 1)
    lab.wait(30)
    service = lab.ask("GET", "/state")[1]["services"]["checkout"]
    assert (service["releases"], service["ready"], service["health"], service["unit"]) == ({"1.4.2": 3}, 3, "healthy", "shop")
    assert "latency_p99" in service["metrics"]


def test_a_restarted_process_holds_generation_faults_and_numbers(lab: Client) -> None:
    for unit in MANIFESTS:
        lab.apply(unit, 9)
    lab.ask("POST", "/faults", {"kind": "surge", "service": "search", "factor": 2})
    lab.wait(75)
    state = lab.ask("GET", "/state")[1]
    again = World(lab.home, lab.clock, seed=3)  # from the files alone, as after kill -9
    again.advance()
    assert again.plane == lab.world.plane
    assert again.faults == lab.world.faults
    assert {n: node.dump() for n, node in again.nodes.items()} == {n: node.dump() for n, node in lab.world.nodes.items()}
    assert again.time_ms == state["time_ms"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "where"),
    [
        ("GET", "/nothing", None, 404, "/nothing"),
        ("GET", "/observe", None, 400, "query"),
        ("GET", "/observe?unit=" + "x" * 9_000, None, 200, None),
        ("POST", "/apply", b"{", 400, "body"),
        ("POST", "/apply", b"\xff\xfe", 400, "body"),
        ("POST", "/apply", b"[" * 100_000, 400, "body"),
        ("POST", "/apply", b'{"generation": NaN}', 400, "body"),
        ("POST", "/apply", b'{"generation": 1, "generation": 2}', 400, "body"),
        ("POST", "/apply", b'{"generation": ' + b"9" * 5_000 + b"}", 400, "body"),
        ("POST", "/apply", {"unit": "shop"}, 400, "generation"),
        ("POST", "/faults", {"kind": "meteor"}, 400, "kind"),
        ("POST", "/faults", [1], 400, "fault"),
        ("DELETE", "/faults/", None, 404, ""),
    ],
)
def test_a_bad_request_says_where(lab: Client, method: str, path: str, body: Any, status: int, where: str | None) -> None:
    found, answer = lab.ask(method, path, body)
    assert found == status
    if where is not None:
        assert answer["where"] == where
        assert answer["next_step"]


def test_a_body_that_is_too_large_is_refused_unread(lab: Client) -> None:
    status, answer = lab.ask("POST", "/apply", None, {"Content-Length": str(MOST_BYTES + 1)})
    assert (status, str(MOST_BYTES) in answer["error"]) == (413, True)


@pytest.mark.parametrize("length", ["", "-1", "1e3", "9" * 5_000])
def test_a_body_without_an_honest_length_is_refused(lab: Client, length: str) -> None:
    assert lab.ask("POST", "/apply", None, {"Content-Length": length})[0] in (411, 413)


def test_a_body_that_ends_early_does_nothing(lab: Client) -> None:
    with socket.create_connection(("127.0.0.1", lab.port), timeout=5) as line:
        head = b"POST /faults HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
        line.sendall(head + b'{"kind": "surge"')
        line.shutdown(socket.SHUT_WR)
        assert b" 400 " in line.recv(200)
    assert lab.ask("GET", "/faults")[1] == {"faults": []}


def test_a_folder_that_cannot_be_written_refuses_and_does_nothing(lab: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reconciler.lab.snapshot._replace", full)
    status, answer = lab.apply("shop", 1)
    assert (status, "No space left" in answer["error"]) == (503, True)
    assert lab.ask("GET", "/observe?unit=shop")[1]["generation"] == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example:80"}, 421),
        ({"Host": "localhost"}, 200),
    ],
)
def test_a_web_page_cannot_reach_into_the_lab(lab: Client, headers: dict[str, str], status: int) -> None:
    assert lab.ask("POST", "/faults", {"kind": "surge", "service": "search", "factor": 2}, headers)[0] == status
    assert len(lab.world.faults) == (status == 200)


@pytest.mark.parametrize(("method", "path"), [("GET", "/state"), ("DELETE", "/faults/f1")])
def test_a_foreign_host_name_is_refused_for_every_method(lab: Client, method: str, path: str) -> None:
    assert lab.ask(method, path, None, {"Host": "evil.example"})[0] == 421


def test_a_second_lab_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with sole(tmp_path), pytest.raises(Permanent, match="another lab runs"):
        serve(tmp_path, ManualClock(), 1, "127.0.0.1", 0)


CHILD = """
import sys
from contextlib import contextmanager
from pathlib import Path
from reconciler.lab.server import serve
from reconciler.testing.clock import ManualClock
serve(Path(sys.argv[1]), ManualClock(), 1, "127.0.0.1", int(sys.argv[2]))
"""


@contextmanager
def process(home: Path) -> Iterator[int]:
    """A lab in a process of its own, killed without warning at the end; its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(home), str(port)])
    try:
        wait_for(port)
        yield port
    finally:
        child.kill()
        child.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "the lab does not start"
            time.sleep(0.02)
        else:
            return


def send(port: int, method: str, path: str, body: Any = None) -> Any:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    answer = json.loads(line.getresponse().read())
    line.close()
    return answer


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    spec = {"connections": 80, "cpuMillis": 4000}
    plan = {
        "unit": "data",
        "revision": "r5",
        "generation": 5,
        "steps": [{"verb": "create", "id": "Database/a"}],
        "objects": [{"id": "Database/a", "spec": spec, "digest": digest(spec)}],
    }
    with process(tmp_path) as port:
        assert send(port, "POST", "/apply", plan)["reason"] == "applied"
    with process(tmp_path) as port:
        assert send(port, "GET", "/observe?unit=data")["objects"] == {"Database/a": spec}
        assert send(port, "POST", "/apply", {**plan, "generation": 4})["reason"] == "stale-plan"
