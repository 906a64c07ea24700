"""Clocks: time never goes back, whatever the machine or another process does."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from reconciler.adapters.clocks import SteppedClock, SystemClock
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.ports.clock import Clock
from reconciler.testing.clock import ManualClock


def test_a_wall_clock_that_jumps_back_is_held_until_it_catches_up():
    readings = iter([1_000, 400, 999, 1_001])
    clock = SystemClock(lambda: next(readings))
    assert [clock.now() for _ in range(4)] == [1_000, 1_000, 1_000, 1_001]


def test_the_system_clock_stamps_both_times_alike():
    stamp = SystemClock(lambda: 5).stamp()
    assert (stamp.clock_ms, stamp.wall_ms) == (5, 5)


def test_a_stepped_clock_stands_still_until_it_is_advanced(tmp_path: Path):
    clock = SteppedClock(tmp_path / "clock", start_ms=1_000)
    assert (clock.now(), clock.now(), clock.advance(250), clock.now()) == (1_000, 1_000, 1_250, 1_250)


def test_a_stepped_clock_is_shared_through_its_file(tmp_path: Path):
    first = SteppedClock(tmp_path / "clock", start_ms=10)
    second = SteppedClock(tmp_path / "clock", start_ms=99)
    first.advance(5)
    assert second.now() == 15


def test_advances_of_many_threads_are_all_kept(tmp_path: Path):
    clocks = [SteppedClock(tmp_path / "clock") for _ in range(4)]
    threads = [threading.Thread(target=lambda c=clock: [c.advance(1) for _ in range(25)]) for clock in clocks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clocks[0].now() == 100


def test_a_clock_file_set_back_by_hand_is_held(tmp_path: Path):
    clock = SteppedClock(tmp_path / "clock", start_ms=1_000)
    (tmp_path / "clock").write_text("10\n")
    assert (clock.now(), clock.advance(1)) == (1_000, 1_001)


def test_a_stepped_clock_refuses_to_go_back(tmp_path: Path):
    with pytest.raises(Permanent, match="never goes back"):
        SteppedClock(tmp_path / "clock").advance(-1)


@pytest.mark.parametrize("damage", [b"", b"soon", b"-5", b"9" * 20, b"9" * 500])
def test_a_damaged_clock_file_is_named(tmp_path: Path, damage: bytes):
    (tmp_path / "clock").write_bytes(damage)
    with pytest.raises(Misconfigured, match="clock file holds no number"):
        SteppedClock(tmp_path / "clock")


def test_a_missing_clock_folder_is_named(tmp_path: Path):
    with pytest.raises(Retryable, match="cannot lock the clock file"):
        SteppedClock(tmp_path / "nowhere" / "clock")


def test_the_manual_clock_never_goes_back():
    clock = ManualClock(100)
    clock.advance(-50)
    clock.jump_wall(-50)
    assert (clock.now(), clock.wall()) == (100, 100)


@pytest.mark.parametrize("kind", ["system", "stepped", "manual"])
def test_every_clock_speaks_the_port(tmp_path: Path, kind: str):
    clock: Clock = {"system": SystemClock, "stepped": lambda: SteppedClock(tmp_path / "c"), "manual": ManualClock}[kind]()
    before = clock.now()
    assert clock.now() >= before
    assert clock.stamp().wall_ms >= 0
