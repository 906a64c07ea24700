"""The lab over HTTP, on the standard library alone so that its process stays small. The interface is in the package's docstring.

Every request first brings the world up to the Clock. Bodies are JSON of at most `MOST_BYTES`; what is malformed is refused with
the place and the next step, and nothing is done. Binds to localhost; whoever composes passes host and port.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from reconciler.errors import Permanent, Retryable
from reconciler.lab.acts import ACTIONS, read_act
from reconciler.lab.metrics import prometheus, state, unit_health
from reconciler.lab.plane import Applied, RequestError, UnitPlan, read_plan
from reconciler.lab.specs import SpecError
from reconciler.lab.world import World
from reconciler.ports.clock import Clock

MOST_BYTES = 1 << 20
IDLE_S = 10  # a client that sends nothing more is dropped
Answer = tuple[int, Any]
NEXT_STEP = "see the interface in reconciler/lab/__init__.py"


class Lab:
    """The routes. `answer` is all there is to it; the handler only carries bytes."""

    def __init__(self, world: World, host: str = "127.0.0.1") -> None:
        self.world, self.host = world, host
        self._gets: Mapping[str, Callable[[str], Answer]] = {
            "/healthz": lambda _: (200, {"ok": True, "time_ms": world.time_ms}),
            "/observe": lambda unit: (200, world.plane.observe(unit)),
            "/inventory": lambda _: (200, {"objects": {i: u for i, (u, _) in sorted(world.plane.inventory.items())}}),
            "/health": lambda unit: (200, {"health": unit_health(world, unit)}),
            "/state": lambda _: (200, state(world)),
            "/faults": lambda _: (200, {"faults": [f.shown() for f in world.faults]}),
            "/actions": lambda _: (200, {"actions": {name: action.risk.value for name, action in ACTIONS.items()}}),
        }
        self._posts: Mapping[str, Callable[[Any], Answer]] = {
            "/apply": partial(self._plan, world.apply),
            "/dry-run": partial(self._plan, world.dry_run),
            "/operate": self._operate,
            "/faults": lambda body: (200, world.add_fault(body)),
            "/reset-faults": lambda _: (200, {"removed": world.remove_faults()}),
        }

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """Status and JSON value (text for /metrics) of one request."""
        url = urlsplit(target)
        try:
            with self.world.lock:
                self.world.advance()
                return self._route(method, url.path, url.query, body)
        except SpecError as error:
            return 400, {"error": str(error), "where": str(error).partition(":")[0], "next_step": NEXT_STEP}
        except RequestError as error:
            return 400, {"error": str(error), "where": error.where, "next_step": NEXT_STEP}
        except Retryable as error:
            return 503, {"error": error.message, "where": "", "next_step": error.next_step}

    def _route(self, method: str, path: str, query: str, body: bytes) -> Answer:
        if method == "GET" and path == "/metrics":
            return 200, prometheus(self.world)
        if method == "GET" and path in self._gets:
            return self._gets[path](_unit(path, query))
        if method == "POST" and path in self._posts:
            return self._posts[path](_json(body))
        if method == "DELETE" and path.startswith("/faults/"):
            return self._remove(path.removeprefix("/faults/"))
        return 404, {"error": "no such path", "where": path[:100], "next_step": NEXT_STEP}

    def _remove(self, fault_id: str) -> Answer:
        if not fault_id or not self.world.remove_faults(fault_id):
            return 404, {"error": "no such fault", "where": fault_id[:40], "next_step": "GET /faults lists them"}
        return 200, {"id": fault_id}

    def _operate(self, body: Any) -> Answer:
        act, dry_run = read_act(body)
        acted = self.world.operate(act, dry_run=dry_run)
        return 200, {"id": act.id, "ok": acted.ok, "reason": acted.reason, "detail": acted.detail}

    @staticmethod
    def _plan(act: Callable[[UnitPlan], Applied], body: Any) -> Answer:
        applied = act(read_plan(body))
        return (409 if applied.stale else 200), applied.shown()


def _unit(path: str, query: str) -> str:
    unit = parse_qs(query).get("unit", [""])[0]
    if path in ("/observe", "/health") and not unit:
        raise RequestError("say which unit: ?unit=<name>", "query")
    return unit


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode() or "{}", parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is no JSON: {type(error).__name__}", "body") from error


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("the same key twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


class Handler(BaseHTTPRequestHandler):
    """Bytes in, bytes out, with caps."""

    protocol_version = "HTTP/1.1"
    server_version = "homeostat-lab"
    sys_version = ""
    timeout = IDLE_S
    disable_nagle_algorithm = True

    def __init__(self, lab: Lab, *args: Any) -> None:
        self.lab = lab
        super().__init__(*args)

    def do_GET(self) -> None:
        if self._is_ours():
            self._send(*self.lab.answer("GET", self.path, b""))

    def do_DELETE(self) -> None:
        if self._is_ours():
            self._send(*self.lab.answer("DELETE", self.path, b""))

    def do_POST(self) -> None:
        if self._is_ours():
            self._post()

    def _is_ours(self) -> bool:
        """Not a web page in somebody's browser: neither under a name of its own (DNS rebinding) nor across sites."""
        address = self.lab.host
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in (address, "localhost", "127.0.0.1", "[::1]"):
            self._refuse(421, f"this lab is called {address}")
        elif "Origin" in self.headers:
            self._refuse(403, "the lab takes no requests from web pages")
        else:
            return True
        return False

    def _post(self) -> None:
        if self.headers.get_content_type() != "application/json":
            self._refuse(415, "say Content-Type: application/json")
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or len(length) > 12:
            self._refuse(411, "say the body's length")
        elif int(length) > MOST_BYTES:
            self._refuse(413, f"the body is over {MOST_BYTES} bytes")
        else:
            self._receive(int(length))

    def _receive(self, length: int) -> None:
        body = self.rfile.read(length)
        if len(body) < length:
            self._refuse(400, "the body ends early")
        else:
            self._send(*self.lab.answer("POST", self.path, body))

    def _refuse(self, status: int, error: str) -> None:
        """What is left of the request was not read, so the connection ends."""
        self.close_connection = True
        self._send(status, {"error": error, "where": "body", "next_step": NEXT_STEP})

    def _send(self, status: int, value: Any) -> None:
        text = isinstance(value, str)
        data = value.encode() if text else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8" if text else "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class named it so
        """Silent: the story is told elsewhere."""


def make_server(world: World, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """A bound server (port 0 picks one, see `server_port`); call `serve_forever`."""
    server = ThreadingHTTPServer((host, port), partial(Handler, Lab(world, host)))
    server.daemon_threads = True
    return server


@contextmanager
def sole(home: Path) -> Iterator[None]:
    """Two processes on one folder would overwrite each other's generations: the second is refused."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Permanent(f"another lab runs in {home}", next_step="stop it, or give this one a folder of its own") from error
        yield


def serve(home: Path, clock: Clock, seed: int, host: str, port: int) -> None:
    """Run the lab of one folder until interrupted. A second one in the same folder is refused (Permanent)."""
    with sole(home), make_server(World(home, clock, seed), host, port) as server:
        server.serve_forever()
