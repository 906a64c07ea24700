"""Latencies that contain those of what is waited for: the calls that nobody gave are learned, and used."""

from __future__ import annotations

import numpy as np

from reconciler.analysis.causes import Column, Finding, Recording, find
from reconciler.analysis.causes.learned import learned
from reconciler.analysis.causes.windows import windows

STEP, ALARM = 60.0, 12_000.0
WAITS = {"front": ("cart", "mail"), "cart": ("store",), "mail": (), "store": (), "batch": ()}


def system(slow: str = "", count: int = 205, seed: int = 4) -> Recording:
    rng = np.random.default_rng(seed)
    times = ALARM + STEP * (np.arange(count) - count + 5)
    own = {s: 0.05 * rng.lognormal(0, 0.3, count) for s in WAITS}
    if slow:
        own[slow][times >= ALARM] *= 20.0
    latency: dict[str, np.ndarray] = {}
    for service in ("store", "mail", "batch", "cart", "front"):
        latency[service] = own[service] + sum((latency[b] for b in WAITS[service]), np.zeros(count))
    columns = [Column.of(s, "latency") for s in latency]
    return Recording.of(times, np.column_stack(list(latency.values())), columns, [], ALARM, (times[0], ALARM - STEP), "front")


def pairs(recording: Recording) -> set[tuple[str, str]]:
    found = windows(recording)
    assert found is not None
    return {(a, b) for a, b, _ in learned(recording, found)}


def test_who_waits_for_whom_is_learned_from_latencies() -> None:
    assert pairs(system()) == {("front", "cart"), ("front", "mail"), ("cart", "store")}


def test_what_is_waited_for_through_another_is_no_call_of_ones_own() -> None:
    assert ("front", "store") not in pairs(system())


def test_series_that_have_nothing_to_do_with_each_other_bind_nobody() -> None:
    rng = np.random.default_rng(8)
    columns = [Column.of(f"s{i}", "latency") for i in range(12)]
    for _ in range(5):
        alone = Recording.of(np.arange(200) * STEP, rng.gamma(4.0, 1.0, (200, 12)), columns, [], ALARM, (0.0, ALARM - STEP))
        assert pairs(alone) == set()


def test_load_that_moves_all_at_once_binds_nobody() -> None:
    rng = np.random.default_rng(8)
    columns = [Column.of(f"s{i}", "latency") for i in range(12)]
    load = rng.lognormal(0, 0.5, (200, 1))
    together = Recording.of(
        np.arange(200) * STEP, load * rng.gamma(40.0, 1.0, (200, 12)), columns, [], ALARM, (0.0, ALARM - STEP)
    )
    assert pairs(together) == set()


def test_too_few_samples_teach_nothing() -> None:
    assert pairs(system(count=40)) == set()


def test_the_same_recording_teaches_the_same() -> None:
    assert find(system("store")) == find(system("store"))


def blamed(found: Finding) -> str:
    assert found.known
    return found.causes[0].service


def test_the_dependency_is_blamed_where_calls_were_learned() -> None:
    found = find(system("store"))
    assert blamed(found) == "store"
    assert {(a, b) for a, b, _ in found.learned} == {("front", "cart"), ("front", "mail"), ("cart", "store")}
    assert found.causes[0].score > 2 * max([c.score for c in found.causes[1:]], default=0.0)


def test_a_service_outside_of_what_was_learned_is_no_less_suspect() -> None:
    assert blamed(find(system("batch"))) == "batch"


def test_two_that_wait_for_the_same_do_not_wait_for_each_other() -> None:
    rng = np.random.default_rng(2)
    one, two = rng.gamma(4.0, 1.0, 300), rng.gamma(4.0, 1.0, 300)
    both = {
        "one": one,
        "two": two,
        "near": one + two + rng.gamma(2.0, 1.2, 300),
        "far": 4.0 + one + two + rng.gamma(2.0, 0.6, 300),
    }
    columns = [Column.of(s, "latency") for s in both]
    times = ALARM + STEP * (np.arange(300) - 300)
    alike = Recording.of(times, np.column_stack(list(both.values())), columns, [], ALARM, (times[0], ALARM - STEP))
    assert pairs(alike) == {(a, b) for a in ("near", "far") for b in ("one", "two")}
