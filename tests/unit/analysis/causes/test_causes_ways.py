"""A made system with a delay on the way to a service: only its callers see it, and the callee is blamed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reconciler.analysis.causes import Cause, Column, Kind, Recording, find
from reconciler.analysis.causes.paths import shares

STEP, ALARM = 60.0, 6000.0
CALLS = {
    ("front", "cart"): 9.0, ("front", "price"): 45.0, ("front", "mail"): 4.0, ("front", "order"): 42.0,
    ("order", "cart"): 30.0, ("order", "price"): 40.0, ("order", "store"): 30.0,
}  # fmt: skip
QUANTILES = {"p90": 0.9, "p95": 0.95, "p99": 0.99}
SERVICES = ("front", "order", "cart", "price", "mail", "store")


def delayed(to: str, by: float = 0.5, seed: int = 5) -> Recording:
    """Quantiles of 400 calls a minute by each caller; calls `to` take longer since the alarm; self time rises with them."""
    rng = np.random.default_rng(seed)
    times = np.arange(104) * STEP
    table: dict[tuple[str, str], np.ndarray] = {}
    for caller in ("front", "order"):
        callees = [(b, n) for (a, b), n in CALLS.items() if a == caller]
        chance = np.array([n for _, n in callees]) / sum(n for _, n in callees)
        samples = rng.gamma(2.0, 0.01, size=(len(times), 400))
        going = rng.choice(len(callees), size=samples.shape, p=chance)
        slow = (times >= ALARM)[:, None] & np.isin(going, [i for i, (b, _) in enumerate(callees) if b == to])
        samples += by * slow
        for name, quantile in QUANTILES.items():
            table[caller, f"client_latency_{name}"] = np.quantile(samples, quantile, axis=1)
        table[caller, "self_time"] = samples.mean(axis=1)
    for service in SERVICES:
        table[service, "latency"] = 0.02 * rng.lognormal(0, 0.05, len(times))
    columns = [Column.of(*key) for key in table]
    edges = [(a, b, n) for (a, b), n in CALLS.items()]
    return Recording.of(times, np.column_stack(list(table.values())), columns, edges, ALARM, (0.0, ALARM - STEP), "front")


def first(recording: Recording) -> Cause:
    found = find(recording)
    assert found.known
    return found.causes[0]


@pytest.mark.parametrize("to", ["cart", "price", "store"])
def test_a_delay_that_all_callers_of_a_service_see_is_on_the_way_to_it(to: str) -> None:
    cause = first(delayed(to))
    assert cause.service == to
    assert cause.parts[0][0] is Kind.WAY


def test_the_callers_that_wait_are_not_blamed_for_their_self_time() -> None:
    found = find(delayed("cart"))
    assert all(dict(cause.parts).get(Kind.SELF, 0.0) < 0.1 for cause in found.causes)


def test_quantiles_tell_how_many_of_the_calls_are_slow() -> None:
    """One call in twenty-five goes to mail: the 99th percentile moves, and the 90th would if it were price."""
    assert first(delayed("mail")).service == "mail"


def test_the_callers_measures_are_told_with_the_caller() -> None:
    signs = first(delayed("cart")).signs
    assert {sign.at for sign in signs} == {"front", "order"}
    assert {sign.kind for sign in signs} == {Kind.CALLS}


def test_what_the_callee_shows_itself_is_no_delay_on_the_way_to_another() -> None:
    recording = delayed("cart")
    place = next(i for i, c in enumerate(recording.columns) if (c.service, c.metric) == ("cart", "latency"))
    slow = recording.values.copy()
    slow[recording.times >= ALARM, place] *= 60.0
    found = find(replace(recording, values=slow))
    assert found.causes[0].service == "cart"
    assert not found.causes[1:]


def test_calls_that_nobody_counted_are_shared_alike() -> None:
    recording = replace(delayed("cart"), calls={})
    share = shares(recording)[recording.services.index("order")]
    assert sorted(share[share > 0]) == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("count", [float("nan"), float("inf"), -4.0, 0.0, 1e308])
def test_a_count_of_calls_that_cannot_be_is_no_crash(count: float) -> None:
    recording = delayed("cart")
    assert find(replace(recording, calls=dict.fromkeys(CALLS, count))).causes is not None
    assert np.isfinite(shares(replace(recording, calls=dict.fromkeys(CALLS, count)))).all()


@pytest.mark.parametrize("value", [np.nan, 0.0, -7.0, 1e17, np.inf])
def test_measures_of_calls_that_say_nothing_are_no_crash(value: float) -> None:
    recording = delayed("cart")
    calls = np.array([c.kind is Kind.CALLS for c in recording.columns])
    for when in (recording.times >= ALARM, recording.times < ALARM, recording.times > 0):
        values = np.where(when[:, None] & calls, value, recording.values)
        found = find(replace(recording, values=values))
        assert all(np.isfinite(cause.score) for cause in found.causes)
        assert 0.0 <= found.confidence <= 1.0
