"""The worker process: what it costs the loop (nothing), and what becomes of it when it, or the loop, goes wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.analysts.worker import MOST_WAITING, Bounds, WorkerAnalyst
from reconciler.ports.analyst import Analyst, Answer, Inquiry
from reconciler.testing.analysts import InlineAnalyst
from reconciler.testing.check_analyst import AT_MS, check_analyst

CHILD = [sys.executable, str(Path(__file__).with_name("analyst_child.py"))]


def _until(what: Callable[[], bool], seconds: float = 20) -> None:
    """Another process takes real time: this waits for it, and not longer than it takes."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not within its time"
        time.sleep(0.01)


def settle(analyst: Analyst) -> None:
    _until(lambda: not analyst.working)


@contextmanager
def worker(command: list[str] = CHILD, **bounds: float) -> Iterator[WorkerAnalyst]:
    made = WorkerAnalyst(command, Bounds(**bounds))  # type: ignore[arg-type]  # seconds and MiB alike are numbers here
    try:
        yield made
    finally:
        made.close()


def answer(analyst: WorkerAnalyst, symptom: str = "", at: int = AT_MS) -> Answer:
    inquiry = Inquiry(at - 1_000, at, symptom=symptom)
    analyst.ask(inquiry)
    settle(analyst)
    found = analyst.ask(inquiry)
    assert found is not None
    return found


def pid(found: Answer) -> str:
    return dict(found.findings[0].values)["pid"]


def alive(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_the_worker_keeps_the_promises_of_the_port() -> None:
    check_analyst(lambda: WorkerAnalyst(CHILD), settle)


def test_the_analyst_of_tests_keeps_them_too() -> None:
    def asked_again(analyst: Analyst) -> None:
        while analyst.working:
            for inquiry in getattr(analyst, "asked", []):
                analyst.ask(inquiry)

    check_analyst(lambda: InlineAnalyst(lambda _: Answer(), patience=2), asked_again)


def test_asking_starts_one_child_and_waits_for_nothing() -> None:
    with worker() as analyst:
        assert analyst.pid == 0, "nobody has asked yet"
        started = time.monotonic()
        assert analyst.ask(Inquiry(0, AT_MS, symptom="sleeps")) is None
        assert time.monotonic() - started < 0.2


def test_a_child_that_is_prepared_has_started_before_anybody_asks() -> None:
    with worker() as analyst:
        analyst.prepare()
        _until(lambda: analyst.pid != 0)
        assert pid(answer(analyst)) == str(analyst.pid), "and it is the one that answers"


def test_what_cannot_be_prepared_is_told_to_whoever_asks() -> None:
    with worker([*CHILD, "unprepared"]) as analyst:
        assert "failed with ImportError" in answer(analyst).missing


def test_whoever_listens_is_woken_by_an_answer() -> None:
    woken = threading.Event()
    with worker() as analyst:
        analyst.wake = woken.set
        analyst.ask(Inquiry(0, AT_MS))
        assert woken.wait(20)
        assert analyst.ask(Inquiry(0, AT_MS)) is not None, "the answer is there when the listener looks"


def test_inquiries_share_the_child() -> None:
    with worker() as analyst:
        assert pid(answer(analyst, at=AT_MS)) == pid(answer(analyst, at=AT_MS + 1))


def test_a_child_that_dies_is_replaced() -> None:
    with worker() as analyst:
        assert "ended with 7" in answer(analyst, "dies").missing
        first = pid(answer(analyst))
        os.kill(int(first), signal.SIGKILL)
        _until(lambda: not alive(int(first)))
        assert pid(answer(analyst, at=AT_MS + 1)) != first, "between two inquiries: the second does not suffer"


@pytest.mark.parametrize(("symptom", "says"), [("fails", "failed with ValueError"), ("eats", "more memory than it may have")])
def test_what_goes_wrong_inside_is_an_answer(symptom: str, says: str) -> None:
    with worker(memory_mib=300) as analyst:
        assert says in answer(analyst, symptom).missing
        assert answer(analyst, "prints").findings, "and the child works on, whatever a library prints"


def test_a_child_that_takes_too_long_is_killed() -> None:
    with worker(seconds=0.5) as analyst:
        assert "longer than 0.5 s" in answer(analyst, "sleeps").missing
        assert analyst.pid == 0


def test_an_idle_child_ends_and_the_next_inquiry_starts_another() -> None:
    with worker(idle_seconds=0.05) as analyst:
        first = pid(answer(analyst))
        _until(lambda: analyst.pid == 0 and not alive(int(first)))
        assert pid(answer(analyst, at=AT_MS + 1)) != first


def test_too_many_inquiries_are_turned_away_at_once() -> None:
    with worker() as analyst:
        asked = [analyst.ask(Inquiry(at, AT_MS, symptom="sleeps")) for at in range(MOST_WAITING + 1)]
        assert asked[:-1] == [None] * MOST_WAITING
        assert asked[-1] is not None
        assert "busy" in asked[-1].missing


def test_a_command_that_cannot_start_is_said() -> None:
    analyst = WorkerAnalyst(["/nowhere/at/all"])
    assert "cannot be started" in answer(analyst).missing
    analyst.close()


def test_closing_ends_the_child_in_the_middle_of_its_work() -> None:
    with worker() as analyst:
        analyst.ask(Inquiry(0, AT_MS, symptom="sleeps"))
        _until(lambda: analyst.pid != 0)
        child = analyst.pid
    assert not alive(child)


def test_the_child_does_not_outlive_a_loop_that_is_killed() -> None:
    script = f"""
import time
from reconciler.adapters.analysts.worker import WorkerAnalyst
from reconciler.ports.analyst import Inquiry
analyst = WorkerAnalyst({CHILD!r})
analyst.ask(Inquiry(0, 1, symptom="sleeps"))
while not analyst.pid:
    time.sleep(0.01)
print(analyst.pid, flush=True)
time.sleep(60)
"""
    loop = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert loop.stdout is not None
    child = int(loop.stdout.readline())
    assert alive(child)
    loop.send_signal(signal.SIGKILL)
    loop.wait()
    loop.stdout.close()
    _until(lambda: not alive(child))


@pytest.mark.parametrize("symptom", ["hangs up", "floods"])
def test_a_child_that_lives_on_without_an_answer_is_killed(symptom: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("reconciler.adapters.analysts.worker.MOST_BYTES", 1 << 20)
    with worker(seconds=15) as analyst:
        assert answer(analyst, symptom).missing == f"the analysis ended with {-signal.SIGKILL}"


def test_an_answer_that_nests_without_end_is_none():
    with worker() as analyst:
        assert answer(analyst, "nests").missing == "the analysis answered what cannot be read: RecursionError"


def test_the_child_is_told_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOPS_AGE_KEY", "AGE-SECRET-KEY")
    with worker() as analyst:
        told = answer(analyst, "tells its environment").missing.split()
    assert "SOPS_AGE_KEY" not in told
    assert "PATH" in told
