"""A made system with a known fault: who is blamed, and when nobody is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from reconciler.analysis.causes import Column, Curve, Kind, Recording, find, fit, kind_of
from reconciler.analysis.causes.recording import Array
from reconciler.analysis.causes.windows import Mask

STEP, ALARM = 60.0, 6000.0
SERVICES = ("front", "cart", "price", "store", "mail")
EDGES = (("front", "cart"), ("front", "price"), ("cart", "store"), ("front", "mail"))
METRICS = ("latency", "cpu_usage", "requests", "log_lines", "log_errors")
Table = dict[tuple[str, str], Array]


def system(fault: Callable[[Table, Mask], None] | None = None, seed: int = 3) -> Recording:
    rng = np.random.default_rng(seed)
    times = np.arange(105) * STEP
    usual = {"latency": 0.2, "cpu_usage": 30.0, "requests": 400.0, "log_lines": 800.0, "log_errors": 0.0}
    table: Table = {}
    for service in SERVICES:
        for metric, level in usual.items():
            noise = rng.poisson(level, len(times)) if level > 100 else level * rng.lognormal(0, 0.05, len(times))
            table[service, metric] = noise.astype(np.float64)
    if fault:
        fault(table, times >= ALARM)
    columns = [Column.of(*key) for key in table]
    return Recording.of(times, np.column_stack(list(table.values())), columns, EDGES, ALARM, (0.0, ALARM - STEP), "front")


def slow_store(table: Table, since: Mask) -> None:
    for service, factor in (("store", 6.0), ("cart", 8.0), ("front", 9.0)):
        table[service, "latency"][since] *= factor


def test_a_slow_dependency_is_blamed_and_not_the_callers_that_wait_for_it() -> None:
    found = find(system(slow_store))
    assert found.causes[0].service == "store"
    assert found.known
    assert found.causes[0].signs[0].metric == "latency"


def test_the_metrics_of_a_cause_share_what_speaks_for_it() -> None:
    def hot(table: Table, since: Mask) -> None:
        slow_store(table, since)
        table["store", "cpu_usage"][since] *= 2.2

    first = find(system(hot)).causes[0]
    assert [metric for metric, _, _ in first.shares][:2] == ["latency", "cpu_usage"]
    assert sum(share for _, _, share in first.shares) == pytest.approx(1.0)
    assert {k.value: v for k, v in first.parts}["latency"] / first.score == pytest.approx(first.shares[0][2])


def test_one_sample_alone_is_no_departure_that_lasts() -> None:
    def single(table: Table, since: Mask) -> None:
        first = int(np.flatnonzero(since)[0])
        table["price", "latency"][first - 8 :] = np.nan
        table["price", "latency"][first] = 90.0

    assert not find(system(single)).known


def test_a_service_that_begins_to_log_errors_is_blamed() -> None:
    def failing(table: Table, since: Mask) -> None:
        table["price", "log_errors"][since] += 12

    assert find(system(failing)).causes[0].service == "price"


def test_a_service_that_logs_less_per_request_took_another_path() -> None:
    def silent(table: Table, since: Mask) -> None:
        table["mail", "log_lines"][since] *= 0.3

    assert find(system(silent)).causes[0].service == "mail"


def test_fewer_requests_with_fewer_log_lines_blame_nobody_for_its_logs() -> None:
    def quieter(table: Table, since: Mask) -> None:
        for service in SERVICES:
            for metric in ("requests", "log_lines"):
                table[service, metric][since] *= 0.4

    assert not find(system(quieter)).known


def test_calls_that_vanish_speak_against_the_only_caller() -> None:
    def skipped(table: Table, since: Mask) -> None:
        for metric in ("requests", "log_lines"):
            table["store", metric][since] *= 0.05

    found = find(system(skipped))
    assert found.causes[0].service == "cart"
    assert found.causes[0].parts[0][0] is Kind.TRAFFIC


def test_without_a_departure_the_answer_is_unknown() -> None:
    answers = [find(system(seed=seed)) for seed in range(8)]
    assert not any(a.known for a in answers)
    assert all(a.unknown for a in answers)


@pytest.mark.parametrize("off", [-300.0, 300.0])
def test_an_alarm_that_is_five_minutes_off_finds_the_same_cause(off: float) -> None:
    recording = system(slow_store)
    found = find(replace(recording, alarm=ALARM + off))
    assert found.causes[0].service == "store"
    assert found.since is not None
    assert abs(found.since - ALARM) <= 2 * STEP


def test_a_level_that_was_off_all_along_since_another_day_is_no_departure() -> None:
    recording = system(slow_store)
    drifted = recording.values.copy()
    column = [i for i, c in enumerate(recording.columns) if (c.service, c.metric) == ("mail", "latency")]
    window = recording.times >= ALARM - 10 * STEP
    drifted[np.ix_(np.flatnonzero(window), np.array(column))] *= 8.0
    later = np.where(window, recording.times + 86_400, recording.times)
    moved = Recording.of(later, drifted, recording.columns, EDGES, ALARM + 86_400, (0.0, ALARM - 10 * STEP), "front")
    assert find(moved).causes[0].service == "store"


def test_what_the_service_with_the_alarm_does_not_reach_counts_little() -> None:
    def elsewhere(table: Table, since: Mask) -> None:
        table["mail", "latency"][since] *= 4.0
        table["store", "latency"][since] *= 3.0

    recording = system(elsewhere)
    apart = replace(recording, edges=tuple(e for e in EDGES if e[1] != "mail"))
    assert find(recording).causes[0].service == "mail"
    assert find(apart).causes[0].service == "store"


def test_confidence_rises_with_loudness_over_the_usual_and_lead_after_a_fit() -> None:
    seen = [(3.0, 0.5, 0.2), (2.5, 0.4, 0.3), (2.8, 1.0, 0.1), (0.6, 0.5, 0.2), (0.8, 0.7, 0.3), (2.9, 2.5, 2.8)]
    curve = fit(seen, [True, True, True, False, False, False])
    assert curve.of(3.0, 0.3, 0.2) > curve.of(3.0, 2.9, 0.2) > curve.of(0.7, 0.68, 0.2)
    assert curve.of(3.0, 0.3, 0.2) > curve.of(3.0, 0.3, 2.5)
    assert curve.of(0.0, 0.0, 0.0) == 0.0


def test_a_fault_is_less_sure_where_as_much_departs_all_the_time() -> None:
    restless = system(slow_store)
    rng = np.random.default_rng(1)
    values = restless.values.copy()
    for start in range(0, 100, 4):
        values[start : start + 4, int(rng.integers(values.shape[1]))] *= 8.0
    calm, loud = find(system(slow_store)), find(replace(restless, values=values))
    assert loud.usual > 4 * calm.usual
    assert loud.confidence < calm.confidence


def test_a_fit_needs_an_outcome_for_every_finding() -> None:
    with pytest.raises(ValueError, match="2 findings and 1 outcomes"):
        fit([(1.0, 0.0, 0.0), (2.0, 0.0, 0.0)], [True])
    assert isinstance(fit([], []), Curve)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("trace_self_mean", Kind.SELF),
        ("PodServerLatencyP99(s)", Kind.LATENCY),
        ("client_latency", Kind.CALLS),
        ("NodeCpuUsageRate(%)", Kind.HOST),
        ("log_err", Kind.LOG_ERRORS),
        ("log_count", Kind.LOGS),
        ("requests|Sum", Kind.TRAFFIC),
        ("availability", Kind.SUCCESS),
        ("http_5xx", Kind.ERRORS),
        ("disk_io_wait", Kind.DISK),
        ("colour", Kind.OTHER),
    ],
)
def test_the_kind_is_told_by_ordinary_words(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind
