"""The whole way: telemetry on disk and incidents in, runs and a model out in one process, a foretold failure in another."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from reconciler.adapters.analysts.worker import WorkerAnalyst
from reconciler.bootstrap.opening import open_telemetry
from reconciler.bootstrap.run import start_analysis
from reconciler.ports.analyst import Answer, Inquiry, Outage
from reconciler.settings import Home, Settings
from reconciler.steps.outlook import NEAR, foreseen

HOUR, MINUTE = 3_600_000, 60_000
START = 1_700_006_400_000
APART_H, LEAK_MIN, FAILED = 5, 75, 8  # cart's memory is full every five hours, after leaking for 75 minutes


def write(home: Home) -> None:
    hours = APART_H * (FAILED + 1)
    before = APART_H * 60 - 1 - np.arange(hours * 60) % (APART_H * 60)
    leaked = np.where(before < LEAK_MIN, (LEAK_MIN - before) / LEAK_MIN * 0.6, 0.0)
    levels = 0.4 + leaked + np.random.default_rng(1).normal(0, 0.01, len(before))
    telemetry = open_telemetry(home, Settings())
    samples = [("cart", "memory_usage", START + MINUTE * (1 + i), float(v)) for i, v in enumerate(np.clip(levels, 0, 1))]
    assert telemetry.write(samples, samples[-1][2]) == len(samples)
    telemetry.close()


def answered(analyst: WorkerAnalyst | None, inquiry: Inquiry) -> Answer:
    assert analyst is not None
    end = time.monotonic() + 60
    while (answer := analyst.ask(inquiry)) is None:
        assert time.monotonic() < end, "no answer"
        time.sleep(0.05)
    return answer


def test_what_failed_before_is_foretold_by_what_it_looked_like(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write(home)
    failed = tuple(Outage("cart", START + n * APART_H * HOUR, START + n * APART_H * HOUR) for n in range(1, FAILED + 1))
    taught_ms = failed[-1].start_ms + HOUR
    soon_ms = START + (FAILED + 1) * APART_H * HOUR - 35 * MINUTE
    with start_analysis(home, Settings()) as (analyst, learner):
        lesson = answered(learner, Inquiry(taught_ms - 48 * HOUR, taught_ms, outages=failed))
        assert lesson.missing == ""
        assert lesson.findings[0].text.startswith("failures are foretold by what 8 of them")
        near = answered(analyst, Inquiry(soon_ms - NEAR.back_ms, soon_ms, detectors=NEAR.detectors))
    one = foreseen(near.findings)["predicted//cart"]
    assert one.finding.metric == "memory_usage"
    assert 10 * 60 <= one.lead_s <= 3_600
    assert dict(one.factors)["factor memory"]
