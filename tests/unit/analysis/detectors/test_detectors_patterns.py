"""What the detector of patterns reads from ordinary metrics beside rates: shared resources, and who gets worse with whom."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from reconciler.analysis.detectors.patterns import Patterns
from reconciler.testing.check_detector import END_MS, STEP_MS, times, window

COUNT, SINCE = 240, 40


def stepped(before: float, after: float) -> np.ndarray:
    """A level that changes when the trouble begins."""
    noise = np.random.default_rng(0).normal(1, 0.01, COUNT)
    return np.where(np.arange(COUNT) < COUNT - SINCE, before, after) * noise


def kinds(samples, calls=()):
    looked = window({key: (times(COUNT), values) for key, values in samples.items()})
    looked = dataclasses.replace(looked, calls=calls, alarm_ms=END_MS - (SINCE - 8) * STEP_MS)
    return {found.metric: found for found in Patterns().detect(looked)}


def test_services_that_slow_down_at_once_without_a_call_between_them_are_correlated():
    slow = {(name, "latency_p99"): stepped(20, 200) for name in ("cart", "mail", "search")}
    found = kinds({**slow, ("front", "latency_p99"): stepped(20, 20)})
    assert found["correlated"].component == "cart"


@pytest.mark.parametrize("after", [20, 200])
def test_what_calls_explain_or_what_stays_is_not_correlated(after):
    slow = {(name, "latency_p99"): stepped(20, after) for name in ("cart", "mail", "search")}
    assert "correlated" not in kinds(slow, (("cart", "mail"), ("mail", "search")))


def test_errors_where_there_were_none_count_as_worse():
    failing = {(name, "error_rate"): stepped(0, 0.2) for name in ("cart", "mail", "search")}
    assert "correlated" in kinds(failing)


def test_several_who_fill_the_pool_of_one_are_exhaustion():
    rates = {("front", "request_rate"): stepped(100, 190), ("shop", "request_rate"): stepped(100, 185)}
    pool = {("db", "request_rate"): stepped(100, 180), ("db", "database_connections"): np.minimum(stepped(0.4, 0.99), 1.0)}
    found = kinds({**rates, **pool}, (("front", "shop"), ("shop", "db"), ("front", "db")))
    assert found["exhaustion"].component == "db"


def test_a_count_of_connections_without_its_limit_says_nothing():
    rates = {("front", "request_rate"): stepped(100, 190), ("shop", "request_rate"): stepped(100, 185)}
    pool = {("db", "request_rate"): stepped(100, 180), ("db", "database_connections"): stepped(40, 99)}
    assert "exhaustion" not in kinds({**rates, **pool}, (("front", "shop"), ("shop", "db"), ("front", "db")))
