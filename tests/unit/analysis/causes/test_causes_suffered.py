"""A departure is evidence as far as somebody suffers from it, and as far as enough requests stand behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reconciler.analysis.causes import Column, Finding, Recording, find
from reconciler.analysis.causes.kinds import per_second

STEP, ALARM = 60.0, 6000.0
EDGES = (("front", "cart"), ("front", "mail"))


def recording(
    *,
    busy: str = "",
    slow: dict[str, float] | None = None,
    measured: tuple[str, ...] = ("latency", "cpu_usage"),
    requests: str = "",
    level: float = 0.0,
) -> Recording:
    """From the alarm on `busy` uses four times the processor and `slow` multiplies latencies; `requests` names a metric."""
    rng = np.random.default_rng(5)
    times = np.arange(105) * STEP
    since = times >= ALARM
    columns, values = [], []
    for service in ("front", "cart", "mail"):
        for metric in measured:
            noise = rng.lognormal(0, 0.05, len(times))
            worse = 4.0 if metric == "cpu_usage" and service == busy else 1.0
            worse *= (slow or {}).get(service, 1.0) if metric == "latency" else 1.0
            columns.append(Column.of(service, metric))
            values.append(np.where(since, worse, 1.0) * noise)
        if requests:
            columns.append(Column.of(service, requests))
            values.append(np.full(len(times), level))
    return Recording.of(times, np.column_stack(values), columns, EDGES, ALARM, (0.0, ALARM - STEP), "front")


def first(found: Finding) -> str | None:
    return found.causes[0].service if found.known else None


def test_a_busy_processor_that_nobody_suffers_from_is_no_cause() -> None:
    assert first(find(recording(busy="cart"))) is None


@pytest.mark.parametrize("suffering", ["cart", "front"])
def test_a_busy_processor_is_blamed_where_it_or_its_caller_is_slow(suffering: str) -> None:
    assert first(find(recording(busy="cart", slow={suffering: 1.4}))) == "cart"


def test_who_does_not_call_it_suffers_from_something_else() -> None:
    found = find(recording(busy="cart", slow={"mail": 1.4}))
    assert "cart" not in [cause.service for cause in found.causes if cause.score >= 0.5]


def test_a_busy_processor_is_blamed_where_nobody_measures_who_suffers() -> None:
    assert first(find(recording(busy="cart", measured=("cpu_usage",)))) == "cart"


def test_a_latency_over_few_requests_a_second_says_little() -> None:
    many = find(recording(slow={"mail": 12.0}, requests="request_rate", level=1.0))  # 180 in a block
    few = find(recording(slow={"mail": 12.0}, requests="request_rate", level=0.05))  # nine in a block
    assert first(many) == "mail"
    assert first(few) is None


def test_of_a_count_and_a_rate_the_one_that_says_more_counts() -> None:
    told = recording(slow={"mail": 12.0}, requests="request_rate", level=20.0)
    lost = np.where(told.times >= ALARM, 0.0, 9.0)  # the count of what was traced, which stopped
    both = replace(told, columns=(*told.columns, Column.of("mail", "span_count")), values=np.column_stack([told.values, lost]))
    assert first(find(both)) == "mail"


def test_a_rate_that_was_not_measured_is_taken_to_be_the_usual_one() -> None:
    told = recording(slow={"mail": 12.0}, requests="request_rate", level=1.0)
    rates = [i for i, column in enumerate(told.columns) if column.metric == "request_rate"]
    values = told.values.copy()
    values[np.ix_(told.times >= ALARM - 600.0, rates)] = np.nan
    assert first(find(replace(told, values=values))) == "mail"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("request_rate", True),
        ("PodWorkload(Ops)", True),
        ("requests_per_second", True),
        ("qps", True),
        ("requests/s", True),
        ("request_rate{capacity=db}", True),
        ("requests_per_minute", False),
        ("request_rate_per_min", False),
        ("requests", False),
        ("trace_span_count", False),
    ],
)
def test_a_rate_is_told_by_its_name_and_counts_by_the_second(name: str, expected: bool) -> None:
    assert per_second(name) is expected
