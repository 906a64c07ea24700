"""Laws that the lab keeps whatever happens in it: conservation, Little's law, monotone latency, quiet without faults."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from examples import many
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.lab.faults import Effects
from reconciler.lab.metrics import measure, prometheus
from reconciler.lab.node import Node
from reconciler.lab.profiles import Profile
from reconciler.lab.specs import ServiceSpec
from reconciler.lab.stage import deploy, read_manifests
from reconciler.lab.world import World
from reconciler.testing.clock import ManualClock

MANIFESTS = read_manifests(Path(__file__).parents[2] / "infra-repo-template" / "apps")
SERVICES = sorted(i.partition("/")[2] for unit in MANIFESTS.values() for i in unit)
PROFILE = Profile(own_ms=50, cpu_ms=10, memory_mib=100, errors=0.0, startup_ms=0, warm_ms=0)
SPEC = ServiceSpec(release="1", replicas=2, cpu_millis=1000, memory_mib=4096, workers=8, queue_limit=200, queue_timeout_ms=2000)

faults = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("surge"),
            "service": st.sampled_from(SERVICES),
            "factor": st.floats(0, 10),
            "seconds": st.integers(0, 99),
        }
    ),
    st.fixed_dictionaries({"kind": st.just("slow-database"), "service": st.sampled_from(SERVICES), "factor": st.floats(0.1, 20)}),
    st.fixed_dictionaries(
        {"kind": st.just("leak"), "service": st.sampled_from(SERVICES), "release": st.just(""), "factor": st.floats(0, 2_000)}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("bad-release"),
            "service": st.just("checkout"),
            "release": st.sampled_from(["1.4.2", "1.5.0"]),
            "mode": st.just("failing"),
            "factor": st.floats(0, 1),
        }
    ),
)
edits = st.dictionaries(
    st.sampled_from(["Service/checkout", "Service/gateway", "Service/cart", "Service/user"]),
    st.fixed_dictionaries(
        {},
        optional={
            "replicas": st.integers(0, 12),
            "workers": st.integers(1, 64),
            "release": st.sampled_from(["1.4.2", "1.5.0"]),
            "queue": st.fixed_dictionaries({"limit": st.integers(0, 300), "timeoutMs": st.integers(1, 5_000)}),
        },
    ),
    max_size=3,
)
history = st.lists(st.tuples(st.one_of(faults, edits, st.none()), st.integers(1, 90)), min_size=1, max_size=6)


def new_world(folder: str, seed: int = 1, start_ms: int = 1_700_000_000_000) -> tuple[World, ManualClock]:
    clock = ManualClock(start_ms)
    world = World(Path(folder), clock, seed)
    deploy(world, MANIFESTS, 1)
    return world, clock


def live_one(world: World, clock: ManualClock, number: int, what: Any, seconds: int) -> None:
    if isinstance(what, dict) and "kind" in what:
        world.add_fault(what)
    elif what is not None:
        deploy(world, MANIFESTS, number + 2, what)
    clock.advance(seconds * 1000)
    world.advance()


def live(world: World, clock: ManualClock, steps: Any, start: int = 0) -> None:
    for number, (what, seconds) in enumerate(steps):
        live_one(world, clock, start + number, what, seconds)


@settings(max_examples=many(30))
@given(history, st.integers(0, 1_000))
def test_no_request_is_lost_or_invented(steps: Any, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, clock = new_world(folder, seed)
        live(world, clock, steps)
        for name, node in world.nodes.items():
            flow = node.flow
            out = flow.succeeded + flow.failed + flow.timed_out + flow.rejected
            assert flow.arrived == pytest.approx(out + flow.x, rel=1e-9, abs=1e-6), name
            assert min(flow.x, flow.queued, flow.succeeded, flow.failed, flow.timed_out, flow.rejected) >= 0.0, name
            assert flow.queued <= flow.x


@settings(max_examples=many(15))
@given(history)
def test_every_call_made_arrives(steps: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, clock = new_world(folder)
        live(world, clock, steps)
        for name in ("payment", "fraud", "orders-db"):
            made = sum(e.made for n in world.nodes.values() for e in n.edges if e.name == name)
            flow = world.nodes[name].flow
            assert made == pytest.approx(flow.arrived + flow.arriving, rel=1e-9, abs=1e-6)


@settings(max_examples=many(15))
@given(history)
def test_what_is_measured_is_in_range(steps: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, clock = new_world(folder)
        live(world, clock, steps)
        for node in world.nodes.values():
            found = measure(node, world.time_ms)
            shares = [v for k, v in found.items() if k.endswith(("_usage", "error_rate", "connections"))]
            assert all(-1e-9 <= v <= 1.0 + 1e-9 for v in shares), found
            assert all(v >= -1e-9 for v in found.values()), found
            if "latency_p50" in found:
                assert found["latency_p50"] <= found["latency_p95"] <= found["latency_p99"]


@settings(max_examples=many(10))
@given(history, st.integers(0, 5))
def test_a_kill_at_any_moment_changes_nothing(steps: Any, at: int) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        straight, clock = new_world(one)
        live(straight, clock, steps)
        killed, clock = new_world(two)
        live(killed, clock, steps[:at])
        again = World(Path(two), clock)
        live(again, clock, steps[at:], start=len(steps[:at]))
        again.advance()
        assert prometheus(again) == prometheus(straight)


def alone(rate: float, seconds: int, *, spec: ServiceSpec = SPEC, profile: Profile = PROFILE) -> tuple[Node, float, float]:
    """One node under a steady load: the node, its mean number inside, and its mean latency in seconds."""
    node = Node("a", profile, spec, 0, 0)
    node.reshape(spec, Effects("a", ()), 0)
    inside, weighted, served = 0.0, 0.0, 0.0
    for second in range(1, seconds + 1):
        node.fleet.tick(second * 1000, spec, node.effects)
        node.serve(rate, 1.0, second * 1000)
        inside += node.flow.x
        weighted += (node.flow.fixed_ms + node.flow.tail_ms) / 1000.0 * node.served
        served += node.served
    return node, inside / seconds, weighted / served


@settings(max_examples=many(60))
@given(st.floats(1, 190))
def test_littles_law_holds_under_steady_load(rate: float) -> None:
    _, inside, latency = alone(rate, 400)
    assert inside == pytest.approx(rate * latency, rel=0.02)


@settings(max_examples=many(60))
@given(st.floats(1, 2_000), st.floats(1.001, 3))
def test_latency_and_loss_never_fall_as_load_rises(rate: float, more: float) -> None:
    calm, _, calm_latency = alone(rate, 60)
    busy, _, busy_latency = alone(rate * more, 60)
    assert busy_latency >= calm_latency * (1 - 1e-9)
    assert busy.flow.timed_out + busy.flow.rejected >= calm.flow.timed_out + calm.flow.rejected - 1e-9
    assert busy.flow.cpu >= calm.flow.cpu - 1e-9


@settings(max_examples=many(40))
@given(st.floats(10, 600), st.integers(1, 10))
def test_more_replicas_never_serve_less(rate: float, replicas: int) -> None:
    few, _, _ = alone(rate, 60, spec=replace(SPEC, replicas=replicas))
    many, _, _ = alone(rate, 60, spec=replace(SPEC, replicas=replicas + 1))
    assert many.flow.succeeded >= few.flow.succeeded * (1 - 1e-9)


@settings(max_examples=many(40))
@given(st.floats(300, 5_000), st.integers(0, 500), st.integers(1, 5_000))
def test_a_queue_never_holds_more_than_its_limits(rate: float, limit: int, timeout_ms: int) -> None:
    node, _, _ = alone(rate, 60, spec=replace(SPEC, queue_limit=limit, queue_timeout_ms=timeout_ms))
    assert node.flow.queued <= limit * 2 + 1e-6
    assert node.flow.queued <= node.served * timeout_ms / 1000.0 + 1e-6


def test_capacity_is_what_the_scarcer_of_workers_and_cpu_allows() -> None:
    workers_bound, _, _ = alone(5_000, 60)  # 16 workers of 50 ms are 320/s, but two cores of 10 ms are 200/s
    assert workers_bound.served == pytest.approx(200, rel=0.01)
    cpu_rich, _, _ = alone(5_000, 60, spec=replace(SPEC, cpu_millis=8_000))
    assert cpu_rich.served == pytest.approx(320, rel=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_faults_no_hour_of_the_day_raises_an_alarm(seed: int, tmp_path: Path) -> None:
    """Ten minutes at every second hour of a day, read every 30 s."""
    day = 1_700_006_400_000 // 86_400_000 * 86_400_000
    world, clock = new_world(str(tmp_path), seed, day)
    base: dict[str, float] = {}
    for hour in range(0, 24, 2):
        clock.advance(day + hour * 3_600_000 - clock.now())
        world.time_ms = max(world.time_ms, clock.now() - 120_000)  # two minutes to settle instead of an hour
        for _ in range(20):
            clock.advance(30_000)
            world.advance()
            check_quiet(world, base)


def check_quiet(world: World, base: dict[str, float]) -> None:
    if world.time_ms % 86_400_000 < 120_000:
        return  # the town is starting
    for name, node in world.nodes.items():
        found = measure(node, world.time_ms)
        assert found["error_rate"] < 0.01, name
        assert found["memory_usage"] < 0.6, name
        assert found["cpu_usage"] < 0.75, name
        assert found["restarts"] == 0, name
        assert found["latency_p99"] < 1.6 * base.setdefault(name, found["latency_p99"]), name
