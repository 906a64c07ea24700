"""The detectors' own process, the loop and the page together: a metric departs, the child names a cause, people see why."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Iterator

from browser import said, served
from installation import Installation

from reconciler.adapters.analysts.worker import WorkerAnalyst
from reconciler.bootstrap.opening import open_settings
from reconciler.bootstrap.run import start_analysis
from reconciler.model.signals import Severity, Signal, SignalStatus

PATIENCE_S = 60.0  # for a child that imports its libraries on a busy machine
HISTORY_MS, TROUBLE_MS, EVERY_MS = 3_600_000, 150_000, 5_000
RUNBOOK = "# Ledger\n\nErrors of ledger: look at its disk first, then at who books.\n"
USUAL = {"error_rate": 0.01, "latency_p99": 80.0, "cpu_usage": 0.3, "request_rate": 50.0}
BROKEN = {
    "booking": {"error_rate": 0.4, "latency_p99": 950.0},
    "ledger": {"error_rate": 0.45, "latency_p99": 900.0, "cpu_usage": 0.9},
}


def _rows(start_ms: int, end_ms: int, broke_ms: int) -> Iterator[tuple[str, str, int, float]]:
    """A shop that books in a ledger, which breaks."""
    noise = random.Random(start_ms)
    for at in range(start_ms - start_ms % EVERY_MS, end_ms, EVERY_MS):
        yield "booking", "calls_total{callee=ledger}", at, at / 20.0
        for component in ("booking", "ledger"):
            for metric, usual in USUAL.items():
                level = BROKEN[component].get(metric, usual) if at >= broke_ms else usual
                yield component, metric, at, level * (1.0 + 0.05 * noise.gauss(0.0, 1.0))


def _listen(site: Installation, analyst: WorkerAnalyst, broke_ms: int) -> None:
    """Until there is a diagnosis; time goes on only while the child has nothing to do."""
    heard = threading.Event()
    analyst.wake = heard.set
    for _ in range(60):
        before = site.clock.now()
        site.advance(5)
        site.system.world.telemetry.write([*_rows(before, site.clock.now(), broke_ms)], site.clock.now())
        if analyst.working:
            assert heard.wait(PATIENCE_S)
            site.settle()
        heard.clear()
        if site.payloads("diagnosis"):
            return


def test_the_page_of_an_incident_shows_whom_the_detectors_blame_with_drawings_and_the_runbook(site: Installation) -> None:
    site.add("runbooks/ledger.md", RUNBOOK, "Write down what to do about the ledger")
    site.settle()
    now = site.clock.now()
    broke, telemetry = now - TROUBLE_MS, site.system.world.telemetry
    telemetry.write([*_rows(now - HISTORY_MS, now, broke)], now)
    firing = (SignalStatus.FIRING, Severity.CRITICAL, broke + 30_000, now)
    site.system.store.accept([Signal("1", "alertmanager/x", "Errors", "booking", "errors/booking", *firing)])
    with start_analysis(site.home, open_settings(site.home)) as (analyst, _):
        assert analyst
        site.system.world = dataclasses.replace(site.system.world, analyst=analyst)
        _listen(site, analyst, broke)
    (found,) = site.payloads("diagnosis")
    told = found["diagnosis"]["explanation"]
    assert told["cause"] == "ledger"
    with served(site) as door:
        page = door.browser().login().get(f"/incidents/{site.cases()[0].id}")
    text = said(page)
    assert "What the analysis says ledger is the likeliest cause" in text
    assert page.text.count("<svg") >= 2
    assert "error_rate" in page.text.split("<svg", 1)[1].rsplit("</svg>", 1)[0]
    assert "runbooks/ledger.md:3" in text
    assert "look at its disk first" in text
