"""The calls in trouble around a cause: which fail, which are slow, and the traces that show it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from reconciler.analysis.detectors import examine, explain
from reconciler.analysis.detectors.calling import MOST, TRACES, troubled
from reconciler.analysis.detectors.causes import Causes
from reconciler.model.canonical import decode, plain
from reconciler.model.explanations import Explanation, call_in_words
from reconciler.model.telemetry import TracedCall
from reconciler.testing.check_detector import END_MS, system, times, window

AFTER, BEFORE = END_MS - 60_000, END_MS - 3_000_000
WINDOW = window(system(), calls=(("front", "back"), ("back", "disk"), ("mail", "post")), symptom="front")


def traced(n, at=AFTER, took=20.0, *, failed=False, caller="front", callee="back", operation="GET /"):
    return TracedCall(caller, callee, operation, f"{n:032x}", at, took, failed)


def around(*traces, samples=None):
    return troubled(dataclasses.replace(WINDOW, traces=traces, samples=WINDOW.samples | (samples or {})), "back")


def test_a_call_of_which_traces_failed_is_named_with_the_newest_of_them():
    found = around(*(traced(n, AFTER + n, failed=True) for n in range(1, 9)), traced(99, BEFORE, failed=True))
    assert [(call.caller, call.callee, call.operation) for call in found] == [("front", "back", "GET /")]
    assert [trace.id for trace in found[0].traces] == [f"{n:032x}" for n in (8, 7, 6)][:TRACES]
    assert call_in_words(found[0]).startswith(f"front calls back, GET /; traces {8:032x} (failed, 20 ms); ")


def test_slow_is_what_takes_longer_than_the_slowest_before():
    assert around(traced(1, BEFORE), traced(2, took=21.0)) == ()
    assert around(traced(2, took=5_000.0)) == ()  # nobody knows what it took before
    assert [call.traces[0].id for call in around(traced(1, BEFORE), traced(2, took=90.0))] == [f"{2:032x}"]


def test_failing_calls_come_before_slow_ones_and_calls_to_the_cause_before_those_it_makes():
    below = {"caller": "back", "callee": "disk"}
    slow = (traced(1, BEFORE), traced(2, took=90.0))
    found = around(*slow, traced(3, failed=True, **below), traced(4, failed=True, operation="PUT /"))
    assert [(call.callee, call.operation) for call in found] == [("back", "PUT /"), ("disk", "GET /"), ("back", "GET /")]
    assert len(around(*(traced(n, failed=True, operation=f"op{n}") for n in range(1, 30)))) == MOST


def test_a_measured_share_of_failures_is_told_beside_the_share_before():
    at = times(200)
    failing = {("front", "call_error_rate{callee=back}"): (at, np.where(at >= END_MS - 420_000, 0.25, 0.0))}
    found = around(samples=failing)
    assert call_in_words(found[0]) == "front calls back: 25.0% fail, 0.0% before"
    calm = {key: (at, np.full(len(at), 0.25)) for key, (at, _) in failing.items()}
    assert around(samples=calm) == ()


def test_calls_of_others_and_what_no_trace_can_be_are_left_out():
    others = traced(1, failed=True, caller="mail", callee="post")
    nonsense = [dataclasses.replace(traced(2, failed=True), trace=bad) for bad in ("", "<script>", "G" * 32)]
    assert around(others, *nonsense, traced(3, took=math.nan, failed=True)) == ()


def test_an_explanation_names_them_and_survives_its_record():
    given = dataclasses.replace(WINDOW, traces=(traced(7, failed=True, operation="GET <b>\x1b[31m"),))
    told = explain(given, examine(given, [Causes()]))
    assert [(call.operation, call.traces[0].id) for call in told.calls] == [("GET ?b??[31m", f"{7:032x}")]
    assert decode(Explanation, plain(told)) == told


def test_a_callee_that_only_its_caller_measures_is_found_and_dated():
    at, rng = times(200), np.random.default_rng(2)
    began = END_MS - 120_000
    slow = 90 * rng.lognormal(0, 0.05, 200) + np.where(at >= began, 500.0, 0.0)
    measured = {("front", "call_latency_p95{callee=pay}"): (at, slow), ("front", "latency_p95"): (at, slow * 1.1)}
    found = Causes().detect(window(measured, calls=(("front", "pay"),), symptom="front"))
    assert (found[0].kind, found[0].component) == ("cause", "pay")
    assert found[0].at_ms >= began - 120_000
