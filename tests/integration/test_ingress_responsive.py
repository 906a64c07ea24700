"""However much OTLP is sent and however long it takes, alerts and pages of the same process are answered."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from otlp_payloads import AT_MS, Metrics

from reconciler.adapters.stores import SqliteStore
from reconciler.documents.installation_sources import OtlpSource
from reconciler.testing.clock import ManualClock
from webhooks.app import make_router
from webhooks.otlp import OtlpSettings, make_otlp_router
from webhooks.otlp_intake import OtlpIntake, Taken

SECRET = "a-secret-of-enough-bytes"
HEADERS = {"authorization": f"Bearer {SECRET}", "content-type": "application/x-protobuf"}
AT_ONCE, WAITING = 33, 2  # more than the threads that the routes of a process share


class StuckIntake(OtlpIntake):
    """Counts nothing in before it is told to."""

    def __init__(self) -> None:
        super().__init__(lambda *_: 0, ManualClock(AT_MS))
        self.adopt(OtlpSource(name="sent", kind="otlp"))
        self.go = threading.Event()

    def take(self, kind: str, request: Any) -> Taken:
        assert self.go.wait(30)
        return super().take(kind, request)


@pytest.fixture
def stuck() -> Iterator[StuckIntake]:
    made = StuckIntake()
    yield made
    made.go.set()


@pytest.fixture
def url(tmp_path: Path, stuck: StuckIntake) -> Iterator[str]:
    clock, store = ManualClock(AT_MS), SqliteStore(tmp_path / "state.db")
    app, listener = FastAPI(), socket.create_server(("127.0.0.1", 0))
    app.include_router(make_router(store, clock, SECRET))
    settings = OtlpSettings(at_once=AT_ONCE, waiting=WAITING, reading=100)
    app.include_router(make_otlp_router(stuck, clock, SECRET, settings, observe=lambda _: None))
    app.get("/")(lambda: "a page")
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stuck.go.set()
    running.should_exit = True
    thread.join(10)
    listener.close()
    store.close()


def test_alerts_and_pages_are_answered_while_all_that_otlp_may_use_is_in_use(url: str, stuck: StuckIntake):
    metrics = Metrics("cart").gauge("queue", 1.0, AT_MS).request.SerializeToString()
    alert = {"status": "firing", "startsAt": "2023-11-14T22:00:00Z", "labels": {"alertname": "Slow", "service": "cart"}}
    alerts = json.dumps({"version": "4", "alerts": [alert]}).encode()

    async def sent() -> None:
        async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=10, trust_env=False) as client:
            told = [asyncio.create_task(client.post("/v1/metrics", content=metrics)) for _ in range(AT_ONCE + WAITING + 1)]
            first, held = await asyncio.wait(told, return_when=asyncio.FIRST_COMPLETED)
            (refused,) = (task.result() for task in first)
            assert (refused.status_code, refused.headers["retry-after"], refused.json()["reason"]) == (503, "5", "rate")
            assert (await client.post("/webhooks/alertmanager", content=alerts)).status_code == 202
            assert (await client.get("/")).json() == "a page"
            assert not any(task.done() for task in held)
            stuck.go.set()
            assert {(await task).status_code for task in held} == {200}
            assert (await client.post("/v1/metrics", content=metrics)).status_code == 200

    asyncio.run(sent())
