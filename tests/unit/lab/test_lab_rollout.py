"""Replicas follow desired state with their own delay, new before old."""

from __future__ import annotations

from dataclasses import replace

from reconciler.lab.faults import Effects, Fault
from reconciler.lab.profiles import Profile
from reconciler.lab.rollout import Fleet
from reconciler.lab.specs import ServiceSpec

PROFILE = Profile(own_ms=20, cpu_ms=5, memory_mib=100, startup_ms=6_000, warm_ms=20_000, cold=2.0)
SPEC = ServiceSpec(release="1", replicas=3, cpu_millis=500, memory_mib=256, workers=4, queue_limit=10, queue_timeout_ms=1000)
HEALTHY = Effects("a", ())


def run(fleet: Fleet, spec: ServiceSpec, start_s: int, seconds: int, effects: Effects = HEALTHY) -> int:
    for second in range(start_s + 1, start_s + seconds + 1):
        fleet.tick(second * 1000, spec, effects)
    return start_s + seconds


def running() -> tuple[Fleet, int]:
    fleet = Fleet(PROFILE)
    return fleet, run(fleet, SPEC, 0, 60)


def test_a_new_service_is_ready_after_its_start_up_time_and_settles_when_warm() -> None:
    fleet = Fleet(PROFILE)
    run(fleet, SPEC, 0, 6)
    assert fleet.ready == 0
    run(fleet, SPEC, 6, 1)
    assert (fleet.ready, fleet.workers, fleet.cores, fleet.settled) == (3, 12, 1.5, False)
    run(fleet, SPEC, 7, 30)
    assert (fleet.settled, fleet.slow) == (True, 1.0)


def test_cold_caches_cost_time_that_falls_away() -> None:
    fleet = Fleet(PROFILE)
    run(fleet, SPEC, 0, 7)
    first = fleet.slow
    run(fleet, SPEC, 7, 10)
    assert first == 2.0
    assert 1.0 < fleet.slow < first


def test_a_new_release_never_costs_capacity() -> None:
    fleet, now = running()
    ready = []
    for _ in range(40):
        now = run(fleet, replace(SPEC, release="2"), now, 1)
        ready.append(fleet.ready)
    assert min(ready) == 3
    assert max(ready) <= 4
    assert fleet.releases(now * 1000) == {"2": 3}


def test_a_rollout_goes_a_quarter_at_a_time() -> None:
    fleet, now = running()
    now = run(fleet, replace(SPEC, release="2"), now, 8)
    assert fleet.releases(now * 1000) == {"1": 2, "2": 1}


def test_scaling_in_is_immediate_and_out_takes_its_time() -> None:
    fleet, now = running()
    now = run(fleet, replace(SPEC, replicas=1), now, 1)
    assert fleet.ready == 1
    now = run(fleet, SPEC, now, 3)
    assert fleet.ready == 1
    run(fleet, SPEC, now, 4)
    assert fleet.ready == 3


def test_nothing_runs_at_zero_replicas() -> None:
    fleet, now = running()
    run(fleet, replace(SPEC, replicas=0), now, 1)
    assert (fleet.ready, fleet.replicas) == (0, [])


def test_a_restart_word_replaces_every_replica() -> None:
    fleet, now = running()
    before = {r.place for r in fleet.replicas}
    run(fleet, replace(SPEC, restart="now"), now, 40)
    assert not before & {r.place for r in fleet.replicas}


def test_an_in_place_setting_replaces_no_replica() -> None:
    fleet, now = running()
    before = [r.place for r in fleet.replicas]
    run(fleet, replace(SPEC, queue_limit=99), now, 1)
    assert [r.place for r in fleet.replicas] == before
    assert fleet.places == 297


def test_a_leak_grows_costs_time_near_the_limit_and_kills() -> None:
    fleet, now = running()
    leak = Effects("a", (Fault("f1", "leak", "a", 60.0),))
    now = run(fleet, SPEC, now, 60, leak)
    assert 0.6 < fleet.memory < 0.7
    now = run(fleet, SPEC, now, 75, leak)
    assert fleet.slow > 1.2
    assert fleet.headroom < 20
    fleet.kill(now * 1000, fleet.headroom + 1)
    assert fleet.restarts >= 1
    run(fleet, SPEC, now, 1, leak)
    assert fleet.ready < 3


def test_replicas_that_leak_do_not_die_in_the_same_second() -> None:
    fleet, now = running()
    leak = Effects("a", (Fault("f1", "leak", "a", 60.0),))
    run(fleet, SPEC, now, 100, leak)
    assert len({round(r.leaked) for r in fleet.replicas}) == 3


def test_each_crash_waits_longer() -> None:
    fleet, now = running()
    delays = []
    for _ in range(5):
        for replica in fleet.replicas:
            replica.ready_ms = 0
        fleet.kill(now * 1000, 1_000.0)
        delays.append(fleet.replicas[0].ready_ms - now * 1000 - PROFILE.startup_ms)
    assert delays == [5_000, 10_000, 20_000, 40_000, 60_000]


def test_a_fleet_survives_its_dump() -> None:
    fleet, now = running()
    again = Fleet(PROFILE)
    again.load(fleet.dump())
    assert again.replicas == fleet.replicas
    run(fleet, SPEC, now, 1)
    run(again, SPEC, now, 1)
    assert again == fleet
