"""Spans as traffic: who is entered, who calls whom, what is spent where; and that no span can hang it."""

from __future__ import annotations

from reconciler.analysis.spans import Span, figures, summarise

MS = 1_000_000


def span(number: str, component: str, kind: str, start: int, end: int, parent: str = "", **more: object) -> Span:
    return Span(b"t" * 16, number.encode(), parent.encode(), component, kind, start * MS, end * MS, **more)  # type: ignore[arg-type]


FRONT = span("1", "front", "server", 0, 100)
CALL = span("2", "front", "client", 10, 70, "1")
CART = span("3", "cart", "server", 15, 65, "2", failed=True)


def test_a_request_enters_each_component_once_and_a_call_is_seen_by_its_caller():
    found = summarise([FRONT, CALL, CART])
    assert {name: traffic.count for name, traffic in found.components.items()} == {"front": 1, "cart": 1}
    assert found.edges[("front", "cart")].durations_ms == [60.0]
    assert found.components["cart"].failed == 1
    assert not found.components["front"].failed
    assert found.edges[("front", "cart")].failed == 1  # either end knows


def test_own_time_is_without_the_calls_and_counts_overlapping_calls_once():
    both = [FRONT, CALL, span("4", "front", "client", 50, 90, "1"), span("5", "front", "internal", 0, 95, "1")]
    assert summarise(both).components["front"].own_ms == [20.0]
    inside = span("6", "front", "client", 92, 99, "5")
    assert summarise([*both, inside]).components["front"].own_ms == [13.0]


def test_a_parent_may_lie_in_the_interval_before():
    assert list(summarise([CART], around=[FRONT, CALL]).edges) == []  # the caller's span tells the call, when it ends
    served = span("3", "cart", "server", 15, 65, "1")
    assert list(summarise([served], around=[FRONT]).edges) == [("front", "cart")]


def test_a_call_that_nobody_answered_goes_to_whom_it_names():
    lost = span("2", "front", "client", 10, 70, "1", peer="cart", failed=True)
    assert summarise([FRONT, lost]).edges[("front", "cart")].failed == 1
    assert not summarise([FRONT, CALL]).edges


def test_a_span_that_is_told_twice_counts_once():
    assert summarise([FRONT, FRONT, CALL, CALL, CART]).components["front"].count == 1


def test_circles_and_chains_end():
    circle = [span("a", "x", "internal", 0, 9, "b"), span("b", "x", "internal", 0, 9, "a"), span("c", "x", "server", 0, 9, "a")]
    own = [span("d", "x", "server", 0, 9, "d")]
    chain = [span(str(n), "x", "internal", 0, 9, str(n - 1)) for n in range(1, 5_000)]
    assert summarise([*circle, *own, *chain]).components["x"].count == 2


def test_figures_have_sensor_names_and_none_for_no_traffic():
    found = summarise([FRONT, CALL, CART])
    assert dict(figures(found.components["cart"], 2.0)) == {
        "request_rate": 0.5, "error_rate": 1.0, "latency_p50": 50.0, "latency_p95": 50.0, "latency_p99": 50.0,
        "self_time_p50": 50.0, "self_time_p95": 50.0, "self_time_p99": 50.0,
    }  # fmt: skip
    called = dict(figures(found.edges[("front", "cart")], 2.0, "call"))
    assert set(called) == {"call_rate", "call_error_rate", "call_latency_p50", "call_latency_p95", "call_latency_p99"}
    assert not dict(figures(type(found.components["cart"])(), 1.0))
