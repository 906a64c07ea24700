"""The world under its Clock: determinism, restarts, clocks that misbehave, and inputs on disk before they act."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Permanent, Retryable
from reconciler.lab.metrics import prometheus, unit_health
from reconciler.lab.specs import SpecError
from reconciler.lab.world import MOST_MS, World
from reconciler.testing.clock import ManualClock

Found = Callable[[int], Any]
START_MS = 1_700_000_000_000


def test_the_same_seed_inputs_and_times_give_the_same_numbers(found: Found) -> None:
    texts = []
    for pauses in ([90, 30, 60], [1] * 180):  # how often the clock is looked at changes nothing
        town = found(START_MS)
        town.deploy()
        for seconds in pauses:
            town.wait(seconds)
        texts.append(prometheus(town.world))
    assert texts[0] == texts[1]


def test_another_seed_is_another_day(tmp_path: Path, manifests: Any) -> None:
    loads = [World(tmp_path / str(seed), ManualClock(), seed)._noise.load(1_000) for seed in (1, 2)]
    assert loads[0] != loads[1]


def test_a_restored_world_keeps_its_own_seed(tmp_path: Path) -> None:
    World(tmp_path, ManualClock(), seed=5)
    assert World(tmp_path, ManualClock(), seed=6).seed == 5


def test_a_killed_process_simulates_the_same_seconds_again(town: Any) -> None:
    town.world.add_fault({"kind": "leak", "service": "cart", "release": "", "factor": 60})
    town.wait(100)
    town.deploy(checkout={"release": "1.5.0"}, orders_db={"cpuMillis": 6000})
    town.wait(43)
    again = World(town.home, town.clock)
    again.advance()
    assert prometheus(again) == prometheus(town.world)
    town.clock.advance(60_000)
    again.advance()
    town.world.advance()
    assert prometheus(again) == prometheus(town.world)


def test_long_runs_are_stored_on_the_way(town: Any) -> None:
    town.wait(600)
    assert json.loads((town.home / "world.json").read_bytes())["time_ms"] == town.world.time_ms


def test_a_clock_that_stands_still_or_goes_back_changes_nothing(town: Any) -> None:
    before = prometheus(town.world)
    town.world.advance()
    town.world.advance_to(town.world.time_ms - 3_600_000)
    assert prometheus(town.world) == before


def test_a_clock_that_went_back_over_a_restart_is_held(town: Any) -> None:
    again = World(town.home, ManualClock(START_MS - 10_000_000))
    held = again.time_ms
    again.advance()
    assert again.time_ms == held


def test_a_jump_of_hours_suspends_the_world_and_stays_bounded(town: Any) -> None:
    arrived = town.world.nodes["frontend"].flow.arrived
    town.wait(24 * 3_600)
    assert town.world.time_ms == town.clock.now()
    extra = town.world.nodes["frontend"].flow.arrived - arrived
    assert 0 < extra < MOST_MS / 1000 * 300


def test_an_input_is_on_disk_before_it_acts(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    plane, shape = town.world.plane, town.world.nodes["checkout"].shape
    monkeypatch.setattr("reconciler.lab.snapshot._replace", full)
    with pytest.raises(Retryable, match="cannot store the lab"):
        town.deploy(checkout={"replicas": 5})
    with pytest.raises(Retryable):
        town.world.add_fault({"kind": "surge", "service": "search", "factor": 2})
    assert (town.world.plane, town.world.nodes["checkout"].shape, town.world.faults) == (plane, shape, ())


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": 99}', b"\xff", b'{"version": 1}'])
def test_a_damaged_snapshot_is_never_guessed_at(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "world.json").write_bytes(damage)
    with pytest.raises(Permanent, match="move the file away"):
        World(tmp_path, ManualClock())
    assert (tmp_path / "world.json").read_bytes() == damage


def test_a_half_written_snapshot_is_ignored(tmp_path: Path) -> None:
    World(tmp_path, ManualClock(), seed=5)
    (tmp_path / "world.json.new").write_bytes(b"{")
    assert World(tmp_path, ManualClock()).seed == 5


def test_faults_have_a_ceiling(town: Any) -> None:
    for _ in range(50):
        town.world.add_fault({"kind": "surge", "service": "nobody", "factor": 1})
    with pytest.raises(SpecError, match="at most 50"):
        town.world.add_fault({"kind": "surge", "service": "nobody", "factor": 1})


def test_a_fault_with_an_end_ends_also_over_a_restart(town: Any) -> None:
    town.world.add_fault({"kind": "surge", "service": "search", "factor": 3, "seconds": 30})
    town.wait(29)
    assert len(town.world.faults) == 1
    town.wait(60)
    again = World(town.home, town.clock)
    again.advance()
    assert (town.world.faults, again.faults) == ((), ())
    assert prometheus(again) == prometheus(town.world)
    assert town.world.nodes["search"].effects.surge == 1.0


def test_fault_ids_are_never_used_again(town: Any) -> None:
    first = town.world.add_fault({"kind": "surge", "service": "a", "factor": 1})["id"]
    town.world.remove_faults(first)
    assert town.world.add_fault({"kind": "surge", "service": "a", "factor": 1})["id"] != first


def test_a_pruned_callee_fails_its_callers(town: Any) -> None:
    town.world.add_fault({"kind": "hand-delete", "id": "Service/payment"})
    town.wait(30)
    assert town.read("checkout", "error_rate") > 0.9


def test_release_age_counts_from_the_last_release(town: Any) -> None:
    town.deploy(checkout={"release": "1.5.0"})
    town.wait(20)
    town.deploy(checkout={"release": "1.5.0", "replicas": 4})
    town.wait(5)
    assert town.read("checkout", "release_age_s") == 25.0
    assert town.read("payment", "release_age_s") == 145.0


def test_a_replica_without_enough_memory_is_degraded_not_healthy(town: Any) -> None:
    town.deploy(cart={"memoryMiB": 64})
    town.wait(60)
    states = {h["id"]: h["state"] for h in unit_health(town.world, "shop")}
    assert states["Service/cart"] == "degraded"
    assert states["Service/search"] == "healthy"


def test_an_object_deleted_by_hand_is_missing(town: Any) -> None:
    town.world.add_fault({"kind": "hand-delete", "id": "Service/cart"})
    assert {h["id"]: h["state"] for h in unit_health(town.world, "shop")}["Service/cart"] == "missing"


def test_a_service_at_zero_replicas_is_suspended(town: Any) -> None:
    town.deploy(notification={"replicas": 0})
    town.wait(5)
    assert {h["id"]: h["state"] for h in unit_health(town.world, "platform")}["Service/notification"] == "suspended"
