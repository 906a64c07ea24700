"""What the worker makes of an inquiry: findings always, an explanation where somebody complained."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from reconciler.adapters.analysts.looking import look
from reconciler.analysis.detectors import examine, explained, explaining
from reconciler.analysis.detectors.causes import Causes
from reconciler.analysis.detectors.forecasts import Forecasts
from reconciler.model.canonical import decode, plain
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.telemetry import Topology
from reconciler.model.wholes import Whole
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.steps.examining import weighed
from reconciler.testing.check_detector import END_MS, system
from reconciler.testing.telemetry import MemoryTelemetry

TELEMETRY = SimpleNamespace(
    window=lambda components, start, end: system(), topology=lambda: Topology(("back", "front"), (("front", "back"),))
)
INQUIRY = Inquiry(END_MS - 3_600_000, END_MS, alarm_ms=END_MS - 120_000, symptom="front")


def looked(inquiry=INQUIRY):
    return look(inquiry, TELEMETRY, lambda window, names: examine(window, [Causes()]), explained)


def test_an_incident_is_explained_and_the_answer_passes_the_pipe():
    answer = looked()
    assert answer.explanation is not None
    assert answer.explanation.cause == "back"
    assert decode(Answer, plain(answer)) == answer


def test_the_detectors_are_told_what_is_asked_for_together():
    whole, seen = Whole("orders-db", "back", "request_rate", "req/s", "9", ("front", "back")), []
    look(dataclasses.replace(INQUIRY, wholes=(whole,)), TELEMETRY, lambda window, _: seen.extend(window.wholes) or ())
    assert seen == [whole]


def test_what_is_measured_of_several_is_foretold_together():
    step, count = 300_000, 9 * 288
    telemetry, start = MemoryTelemetry(calls=(("cart", "db"), ("search", "db"))), END_MS - END_MS % step - count * step
    for name, level in (("cart", 100), ("search", 40)):
        values = level * (1 + 0.5 * np.sin(np.arange(count) * 2 * np.pi / 288))
        telemetry.put(name, "request_rate", [(start + at * step, float(value)) for at, value in enumerate(values)])
    whole = Whole("orders-db", "db", "request_rate", "req/s", "180")
    inquiry = Inquiry(start, END_MS, step, wholes=(whole,))
    found = look(inquiry, telemetry, lambda window, _: tuple(Forecasts().detect(window))).findings
    about = [f for f in found if (f.component, f.metric) == ("db", "request_rate{capacity=orders-db}")]
    assert [f.kind for f in about] == ["forecast", "breach"]
    assert 205 < float(dict(about[0].values)["highest"]) < 215


def test_a_look_ahead_has_no_explanation():
    assert looked(dataclasses.replace(INQUIRY, alarm_ms=None)).explanation is None


def test_an_explanation_that_fails_costs_no_finding(monkeypatch: pytest.MonkeyPatch):
    def broken(*_):
        raise ValueError("a drawing")

    monkeypatch.setattr(explaining, "draw", broken)
    answer = looked()
    assert answer.explanation is None
    assert answer.findings


def test_the_explanation_is_kept_with_the_diagnosis_and_decides_nothing():
    diagnosis = Diagnosis("inc-1", END_MS, "c0ffee", (), (0, 1), (2, 3), "unknown")
    answer = looked()
    found = weighed(diagnosis, answer, END_MS)
    assert found.explanation == answer.explanation
    silent = weighed(diagnosis, dataclasses.replace(answer, explanation=None), END_MS)
    assert dataclasses.replace(found, explanation=None) == silent
