"""Webhook ingress: durable deliveries a second, against the same route doing body, HMAC and parse only.

Both run in one server process (uvicorn, one worker) over real HTTP on loopback, 32 clients with keep-alive, one alert
a delivery, all different. Durable means SQLite WAL with synchronous=FULL: fdatasync of the -wal file before each 202.
Rounds alternate between the two routes, and the medians are compared, so that a busy machine disturbs both alike.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from fastapi import Request
from fastapi.responses import JSONResponse
from figures import Figure, p95, report

SECRET = "benchmark-secret-of-32-bytes-long"  # noqa: S105 - guards nothing
CLIENTS, SECONDS, ROUNDS = 32, float(os.environ.get("SECONDS_PER_ROUND", "2")), 5
DURABLE, BARE = "/webhooks/alertmanager", "/bare"


def serve(port_pipe: int, folder: str) -> None:
    import uvicorn

    from reconciler.adapters.clocks import SystemClock
    from reconciler.adapters.stores import SqliteStore
    from reconciler.signals import parse_alertmanager
    from webhooks import IngressSettings, make_app
    from webhooks.body import read_body
    from webhooks.gate import Gate

    clock, gate = SystemClock(), Gate(SECRET)
    app = make_app(SqliteStore(Path(folder) / "state.db"), clock, SECRET, IngressSettings(per_second=10**6, burst=10**6))

    async def bare(request: Request) -> JSONResponse:
        body = await read_body(request, 1 << 20, 10)
        assert gate.admits(request.headers.get("x-homeostat-signature"), None, body)
        return JSONResponse({"signals": len(parse_alertmanager(body, "default", clock.now()))}, status_code=202)

    app.post(BARE, status_code=202, response_model=None)(bare)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    os.write(port_pipe, str(listener.getsockname()[1]).encode() + b"\n")
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="error")).run([listener])


def delivery(path: str, number: int) -> bytes:
    from webhooks.gate import Gate

    labels = {"alertname": "HighLatency", "service": "checkout", "severity": "critical", "pod": f"checkout-{number}"}
    alert = {"status": "firing", "labels": labels, "startsAt": "2026-01-01T00:00:00Z", "annotations": {"summary": "slow " * 20}}
    body = json.dumps({"version": "4", "status": "firing", "receiver": "homeostat", "alerts": [alert]}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: l\r\nContent-Length: {len(body)}\r\n"
    return f"{head}X-Homeostat-Signature: {Gate(SECRET).signature(body)}\r\n\r\n".encode() + body


async def client(port: int, path: str, numbers: list[int], until: float, spent: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        request = delivery(path, number)
        start = time.perf_counter()
        if start > until:
            break
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 202"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        spent.append(time.perf_counter() - start)
    writer.close()


async def measure(port: int, path: str, first: int) -> tuple[float, list[float]]:
    spent: list[float] = []
    start = time.perf_counter()
    each = 100_000
    runs = (client(port, path, range(first + n * each, first + (n + 1) * each), start + SECONDS, spent) for n in range(CLIENTS))
    await asyncio.gather(*runs)
    return len(spent) / (time.perf_counter() - start), spent


def main() -> int:
    read_end, write_end = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            serve(write_end, folder)
            os._exit(0)
        try:
            port = int(os.read(read_end, 16))
            rates: dict[str, list[float]] = {DURABLE: [], BARE: []}
            waits: list[float] = []
            for turn in range(ROUNDS):
                for path in (BARE, DURABLE):
                    rate, spent = asyncio.run(measure(port, path, turn * 10_000_000))
                    rates[path].append(rate)
                    waits += spent if path == DURABLE else []
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    durable, bare = statistics.median(rates[DURABLE]), statistics.median(rates[BARE])
    note = f"{CLIENTS} clients, fdatasync of the WAL (synchronous=FULL) before each 202"
    return report(
        [
            Figure("ingress, durable", durable, "deliveries/s", 0.4, bare, by_ratio=True, higher_is_better=True, note=note),
            Figure("ingress, answer median", statistics.median(waits) * 1_000, "ms"),
            Figure("ingress, answer p95", p95(waits) * 1_000, "ms"),
        ]
    )


if __name__ == "__main__":
    assert threading.active_count() == 1  # fork below
    sys.exit(main())
