"""A control plane never outlives the test process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.controlplane import running
from cluster.supervised import Supervised
from peers import peers

HERE = Path(__file__).parent
SLEEPER = """
import json, sys
sys.path.insert(0, {tests!r})
{start}
print(json.dumps([*pids, str(folder)]), flush=True)
sys.stdin.read()
"""
WITH_SLEEPS = """
from cluster.supervised import Supervised
programs = Supervised()
for name in ("one", "two"):
    programs.start(name, "sleep", "600")
import signal
programs.signal("two", signal.SIGSTOP)
pids, folder = [programs.supervisor_pid, *programs.pids.values()], programs.folder
"""
WITH_CLUSTER = """
from cluster.controlplane import running
block = running("controllers", "kwok")
cluster = block.__enter__()
pids, folder = [cluster.programs.supervisor_pid, *cluster.programs.pids.values()], cluster.folder
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def all_gone(pids: list[int], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not all(gone(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(params=[WITH_SLEEPS, pytest.param(WITH_CLUSTER, marks=pytest.mark.peer)], ids=["sleeps", "cluster"])
def victim(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], list[int], Path]]:
    if request.param == WITH_CLUSTER:
        for needed in ("kubernetes", "etcd", "kwok"):
            peers(needed)
    script = SLEEPER.format(tests=str(HERE.parent), start=request.param)
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    *pids, folder = json.loads(process.stdout.readline())
    yield process, pids, Path(folder)
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_kill_9_of_the_test_process_leaves_no_process_and_no_folder(victim) -> None:
    process, pids, folder = victim
    assert not any(gone(pid) for pid in pids)
    assert folder.exists()
    process.send_signal(signal.SIGKILL)
    assert all_gone(pids)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children of their parent's death on Linux only")
def test_kill_9_of_the_supervisor_takes_its_programs_along() -> None:
    programs = Supervised()
    programs.start("one", "sleep", "600")
    one = programs.pids["one"]
    os.kill(programs.supervisor_pid, signal.SIGKILL)
    assert all_gone([one])
    programs.close()
    assert not programs.folder.exists()


def test_a_program_that_does_not_start_is_reported_with_its_last_words() -> None:
    programs = Supervised()
    programs.start("one", "sh", "-c", "echo no such flag; exit 3")
    with pytest.raises(RuntimeError, match="one ended:\nno such flag"):
        programs.wait("one", lambda: False, 10)
    programs.close()
    assert not programs.folder.exists()


@pytest.mark.peer
def test_a_failed_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with (
        pytest.raises(RuntimeError, match=r"kube-apiserver ended:\n(?s:.*)unknown flag"),
        running(apiserver_flags=("--no-such",)),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_an_unknown_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="no piece of a cluster is called"), running("kubelet"):
        pass
