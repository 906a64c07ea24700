"""The calls that are worth a look: few, the failed and the slowest, whatever is sent."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from reconciler.analysis.spans import Span, summarise
from reconciler.analysis.traces import EACH, MOST, MOST_OF_A_PAIR, SLOT_MS, operation_of, sampled
from reconciler.model.telemetry import TracedCall

CALL = TracedCall("front", "cart", "GET /cart", "a" * 32, 5_000, 12.0, failed=False)


def many(count, **told):
    return [replace(CALL, trace=f"{n + 1:032x}", at_ms=n, duration_ms=float(n), **told) for n in range(count)]


def test_of_each_five_minutes_the_newest_failed_and_the_slowest_calls_are_kept():
    later = [replace(call, at_ms=call.at_ms + SLOT_MS) for call in many(9, failed=True)]
    kept = sampled([*many(9), *later])
    assert [(call.at_ms, call.failed) for call in kept] == [
        (7, False), (8, False), (SLOT_MS + 7, True), (SLOT_MS + 8, True),
    ]  # fmt: skip


def test_the_order_does_not_matter_and_the_same_call_counts_once():
    calls = many(40) + many(40, failed=True)
    assert sampled(calls) == sampled([*reversed(calls), *calls])


def test_made_up_operations_and_names_crowd_nobody_out():
    flood = [replace(CALL, operation=f"op{n}", trace=f"{n + 1:032x}", at_ms=9_000) for n in range(3 * MOST_OF_A_PAIR)]
    assert len(sampled(flood)) == MOST_OF_A_PAIR
    strangers = [
        replace(call, callee=f"made-up-{n}")
        for n, call in itertools.product(range(MOST // 2), many(EACH, failed=True))
    ]  # fmt: skip
    kept = sampled([*strangers, CALL, *flood])
    assert len(kept) == MOST
    assert any(call.callee == "cart" for call in kept)


@pytest.mark.parametrize("trace", ["", "0" * 32, "A" * 32, "a" * 31, "a" * 33, "../../etc/passwd" * 2])
def test_what_is_no_trace_id_is_left_out(trace):
    assert sampled([replace(CALL, trace=trace)]) == []


def test_an_operation_is_one_short_line_that_nothing_obeys():
    assert operation_of("GET\n\x1b[31m<b>" + "x" * 500) == "GET??[31m?b?" + "x" * 68


def test_spans_tell_the_call_with_its_trace_and_the_callee_s_failure():
    call = Span(b"\x01" * 16, b"c" * 8, b"", "front", "client", 0, 40_000_000, name="GET /cart")
    served = Span(b"\x01" * 16, b"s" * 8, b"c" * 8, "cart", "server", 5_000_000, 30_000_000, failed=True)
    assert list(summarise([call, served]).calls) == [TracedCall("front", "cart", "GET /cart", "01" * 16, 40, 40.0, failed=True)]
