"""The machine under the loop fails: a full disk, a locked and a damaged store, clocks that jump. Nothing is half done, the
loop's own process lives on, and when the cause is gone the repair ends as it would have.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import CHECKOUT, Installation, installation

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.clocks.system import SystemClock
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.stores.connection import BUSY_MS
from reconciler.bootstrap.system import open_system
from reconciler.errors import HomeostatError, Misconfigured, Retryable
from reconciler.pipeline import turn
from reconciler.ports.repo import Identity, RefMove

ADA = Identity("Ada", "ada@example.org")


def repaired_once(site: Installation) -> None:
    """The end that an undisturbed run has."""
    site.until(lambda: site.live("checkout", "release") == "1.4.2", 300)
    site.until_stage("guard", "soak", "done")
    assert len(site.machine_commits()) == 1
    assert [pull.state.value for pull in site.pulls()] == ["merged"]
    assert len(site.records("merge")) == 1
    assert site.verify().ok, site.verify().problems


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which can be filled without hurting anybody."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root can mount a small disk here; the test with RLIMIT_FSIZE runs everywhere")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not one byte is free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0")
    try:
        yield
    finally:
        filler.unlink()


def test_a_full_disk_stops_everything_and_breaks_nothing(small_disk: Path) -> None:
    with installation(small_disk) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        met: list[str] = []
        for _ in range(14):  # through alert, diagnosis, proposal and pull request: whatever is due meets a full disk first
            site.clock.advance(5_000)
            with filled(small_disk):
                for _ in range(3):
                    turn(site.system.world)
                met += site.system.world.meters.faults().values()
            site.settle()
        assert any("space" in fault or "full" in fault for fault in met), "nothing met the full disk"
        repaired_once(site)


def test_a_restart_on_a_full_disk_says_so_and_the_next_one_goes_on(small_disk: Path) -> None:
    with installation(small_disk) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.until_stage("propose", "judge", "land", "apply")
        site.system.close()
        with filled(small_disk), contextlib.suppress(HomeostatError):  # reading may be enough; if not, it is one of ours
            open_system(site.home, lab_url=site.lab_url).close()
        site.system = open_system(site.home, lab_url=site.lab_url)
        repaired_once(site)


@contextlib.contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """What a quota does: writes beyond it fail with EFBIG. Works for everybody, this whole process at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_git_objects_that_cannot_be_written_move_no_ref(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        repo, head, before = site.system.world.repo, site.head(), site.refs()
        with no_file_grows_beyond(64), pytest.raises(Retryable, match="to Git") as error:
            repo.write(head, {"apps/big.yaml": os.urandom(50_000)}, "Too big", ADA, 0, None)
        assert "free space" in error.value.next_step
        assert site.refs() == before
        made = repo.write(head, {"apps/big.yaml": b"x: 1\n"}, "Small", ADA, 0, None)
        with no_file_grows_beyond(0), pytest.raises(Retryable):
            repo.move([RefMove(site.system.world.ref, head, made)])
        assert PygitRepo(site.home.repository).refs("refs/") == before
        assert repo.move([RefMove(site.system.world.ref, head, made)])


def test_a_store_under_quota_keeps_the_case_and_the_loop_goes_on(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.clock.advance(5_000)
        with no_file_grows_beyond(100):
            for _ in range(3):
                turn(site.system.world)
        site.settle()
        repaired_once(site)


def test_a_store_that_somebody_locks_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert BUSY_MS >= 1_000
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.system.store._connection.execute("PRAGMA busy_timeout = 10")
        site.system.store._work.execute("PRAGMA busy_timeout = 10")
        later = iter(range(0, 3_600_000, 60_000))
        wall = SteppedClock.wall
        for _ in range(4):
            site.clock.advance(5_000)
            jump = next(later)  # what was leased when the store failed is free again after half a minute
            monkeypatch.setattr(SteppedClock, "wall", lambda clock, jump=jump: wall(clock) + jump)
            shell = sqlite3.connect(site.home.store, isolation_level=None)
            shell.execute("BEGIN EXCLUSIVE")
            turn(site.system.world)
            assert any("locked by another process" in fault for fault in site.system.world.meters.faults().values())
            shell.execute("ROLLBACK")
            shell.close()
            site.settle()
        repaired_once(site)


def test_a_damaged_store_is_named_and_moving_it_away_is_enough(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.until_stage("guard")
        site.system.close()
        store = site.home.store
        for beside in site.home.root.glob("state.db-*"):
            beside.unlink()
        store.write_bytes(b"not a database at all " * 400)
        with pytest.raises(Misconfigured, match="damaged") as error:
            open_system(site.home, lab_url=site.lab_url)
        assert "move the file away" in error.value.next_step
        store.rename(store.with_suffix(".damaged"))
        site.system = open_system(site.home, lab_url=site.lab_url)
        site.settle()
        repaired_once(site)
        site.until_stage("done")


def test_damaged_telemetry_is_put_aside_and_measured_anew(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.system.close()
        block = site.home.telemetry / "00000009.block"
        block.write_bytes(b"not a block at all " * 400)
        site.system = open_system(site.home, lab_url=site.lab_url)
        site.advance(30)
        assert block.with_name(block.name + ".damaged").exists()
        assert site.system.world.telemetry.newest_ms() == site.clock.now()


def test_a_clock_that_jumps_a_day_ahead_repeats_nothing_and_expires_no_repair(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.until_stage("guard", "soak")
        site.clock.advance(86_400_000)
        site.settle()
        site.advance(60)
        repaired_once(site)


def test_a_clock_file_set_back_holds_time_and_changes_nothing(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.until_stage("guard", "soak")
        before, kinds = site.clock.now(), site.kinds()
        site.home.clock.write_text(f"{before - 3_600_000}\n")
        site.settle()
        assert site.clock.now() == before
        assert site.kinds() == kinds
        site.advance(5)
        repaired_once(site)


def test_a_wall_clock_that_jumps_moves_no_due_time(tmp_path: Path) -> None:
    """Under the system clock a jump back holds, a jump forward is believed; the loop turns under both."""
    with installation(tmp_path) as site:
        now = site.clock.now()
        times = iter([now, now + 1_000, now - 3_600_000, now - 3_599_000, now + 7_200_000])
        last = [now]

        def read() -> int:
            last[0] = next(times, last[0])
            return last[0]

        clock = SystemClock(read)
        seen = [clock.now() for _ in range(5)]
        assert seen == sorted(seen)
        assert seen[-1] == now + 7_200_000
        assert site.live("checkout", "replicas") == 3
        site.push({CHECKOUT: ("replicas: 3", "replicas: 4")})
        site.settle()
        assert site.live("checkout", "replicas") == 4
