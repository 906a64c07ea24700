"""Who is blamed where callers measure the calls to each callee apart: what only they see is no fault of theirs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reconciler.analysis.causes import Column, Finding, Kind, Recording, find, kind_of
from reconciler.analysis.causes.kinds import callee_of

STEP, ALARM = 60.0, 6000.0
EDGES = (("front", "cart"), ("front", "pay"), ("shop", "pay"), ("cart", "store"))
Table = dict[tuple[str, str], np.ndarray]
Fault = Callable[[Table, np.ndarray], None]


def found(fault: Fault, without: tuple[str, ...] = (), symptom: str = "front") -> Finding:
    rng = np.random.default_rng(8)
    times, table = np.arange(105) * STEP, {}
    for service in ("front", "shop", "cart", "pay", "store"):
        table[service, "latency_p95"] = 90 * rng.lognormal(0, 0.05, 105)
        table[service, "error_rate"] = np.zeros(105)
    for caller, callee in EDGES:
        table[caller, f"call_latency_p95{{callee={callee}}}"] = 95 * rng.lognormal(0, 0.05, 105)
        table[caller, f"call_error_rate{{callee={callee}}}"] = np.zeros(105)
    fault(table, times >= ALARM)
    table = {key: values for key, values in table.items() if key[0] not in without}
    columns = [Column.of(*key) for key in table]
    return find(Recording.of(times, np.column_stack(list(table.values())), columns, EDGES, ALARM, (0.0, ALARM - STEP), symptom))


def delayed(table: Table, since: np.ndarray) -> None:
    for caller in ("front", "shop"):
        table[caller, "call_latency_p95{callee=pay}"][since] += 500
        table[caller, "latency_p95"][since] += 500


def lost(table: Table, since: np.ndarray) -> None:
    for caller in ("front", "shop"):
        table[caller, "call_error_rate{callee=pay}"][since] = 0.8
        table[caller, "error_rate"][since] = 0.4


def test_a_delay_on_the_way_is_blamed_on_the_callee_that_the_slow_calls_go_to():
    first = found(delayed).causes[0]
    assert (first.service, first.parts[0][0]) == ("pay", Kind.WAY)
    assert {(sign.metric, sign.at) for sign in first.signs[:2]} == {
        ("call_latency_p95{callee=pay}", "front"), ("call_latency_p95{callee=pay}", "shop"),
    }  # fmt: skip


@pytest.mark.parametrize("without", [(), ("pay",)], ids=["that says all is well", "of which nothing is measured"])
def test_calls_that_fail_are_blamed_on_a_callee(without: tuple[str, ...]):
    answer = found(lost, without)
    assert answer.known
    assert (answer.causes[0].service, answer.causes[0].parts[0][0]) == ("pay", Kind.LOST)
    assert answer.causes[0].shares[0][:2] in {("call_error_rate{callee=pay}", name) for name in ("front", "shop")}


def test_a_callee_that_fails_is_blamed_by_what_it_says_itself():
    def failing(table: Table, since: np.ndarray) -> None:
        lost(table, since)
        table["pay", "error_rate"][since] = 0.8

    first = found(failing).causes[0]
    assert (first.service, [kind for kind, _ in first.parts]) == ("pay", [Kind.ERRORS])


def test_of_several_callees_the_one_whose_calls_are_slow_is_blamed():
    answer = found(delayed, without=("shop",))
    assert answer.causes[0].service == "pay"
    assert answer.causes[0].score > 2 * max(cause.score for cause in answer.causes[1:])


@pytest.mark.parametrize("without", [(), ("pay",)], ids=["that says all is well", "of which nothing is measured"])
def test_one_caller_whose_calls_fail_while_those_of_others_go_well_is_blamed_itself(without: tuple[str, ...]):
    def alone(table: Table, since: np.ndarray) -> None:
        table["front", "call_error_rate{callee=pay}"][since] = 0.8
        table["front", "error_rate"][since] = 0.8

    answer = found(alone, without)
    assert answer.causes[0].service == "front"
    assert "pay" not in {cause.service for cause in answer.causes if cause.score > 0.2}


@pytest.mark.parametrize("seen_in", ["other calls", "self time"])
def test_a_caller_that_is_slow_itself_waits_for_nobody(seen_in: str):
    def starved(table: Table, since: np.ndarray) -> None:
        rng = np.random.default_rng(9)
        for name in ("latency_p95", "call_latency_p95{callee=pay}"):
            table["front", name][since] += 500
        table["front", "call_latency_p95{callee=cart}"][since] += 500 if seen_in == "other calls" else 0
        table["front", "self_time_p95"] = 20 * rng.lognormal(0, 0.05, 105)
        table["front", "self_time_p95"][since] += 500 if seen_in == "self time" else 0

    causes = found(starved, without=("shop",)).causes
    assert [cause.service for cause in causes if cause.score > 0.2] == ["front"]
    assert causes[0].score > 1


def test_a_caller_all_of_whose_calls_fail_is_blamed_itself():
    def cut_off(table: Table, since: np.ndarray) -> None:
        for name in ("error_rate", "call_error_rate{callee=pay}", "call_error_rate{callee=cart}"):
            table["front", name][since] = 0.8

    causes = found(cut_off, without=("shop",)).causes
    assert [cause.service for cause in causes if cause.score > 0.2] == ["front"]


def test_between_a_callee_that_is_well_and_its_only_caller_nothing_is_sure():
    def rejected(table: Table, since: np.ndarray) -> None:
        table["front", "call_error_rate{callee=pay}"][since] = 0.8
        table["front", "error_rate"][since] = 0.8

    first, second = found(rejected, without=("shop",)).causes[:2]
    assert {first.service, second.service} == {"front", "pay"}
    assert second.score / first.score == pytest.approx(1.0, abs=0.1)


def test_a_slow_callee_is_blamed_by_its_own_latency_and_not_by_what_its_callers_measure():
    def slow(table: Table, since: np.ndarray) -> None:
        delayed(table, since)
        table["pay", "latency_p95"][since] += 500

    first = found(slow).causes[0]
    assert (first.service, first.parts[0][0]) == ("pay", Kind.LATENCY)


@pytest.mark.parametrize(
    ("name", "kind", "callee"),
    [
        ("call_latency_p99{callee=cart}", Kind.CALLS, "cart"),
        ("call_error_rate{callee=cart,port=80}", Kind.CALL_ERRORS, "cart"),
        ("errors{code=500,callee=latency}", Kind.CALL_ERRORS, "latency"),
        ("latency{zone=a}", Kind.LATENCY, ""),
        ("call_rate{callee=error}", Kind.OTHER, "error"),
        ("client_latency_p99", Kind.CALLS, ""),
        ("odd{callee=}", Kind.OTHER, ""),
    ],
)
def test_a_label_tells_whom_calls_go_to_and_says_nothing_of_the_kind(name: str, kind: Kind, callee: str):
    assert (kind_of(name), callee_of(name)) == (kind, callee)
