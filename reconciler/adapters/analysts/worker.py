"""WorkerAnalyst: the detectors in one child process, so that neither their time nor their memory is the loop's.

The child is started with the first inquiry, or before it by `prepare`, and ends when nothing was asked for a while. Inquiries
are worked out one after the other by a thread here that only writes a line and waits for one. Bounded: a child that takes too
long is killed, one that takes too much memory refuses itself (`child`), one that dies is replaced, once for the same inquiry.
Never orphaned: the child holds the reading end of a pipe whose writing end only this process has, and ends when that is gone,
whatever it is doing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Permanent
from reconciler.model.canonical import decode, digest, encode
from reconciler.ports.analyst import Answer, Inquiry

log = logging.getLogger(__name__)

MOST_WAITING = 8  # inquiries; further ones are turned away at once
KEPT = 32  # answers
MOST_BYTES = 32 << 20  # of one answer
ENDING_S = 1.0  # between the end of the answers and that of the child
KEPT_ENVIRONMENT = (
    "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH", "PYDANTIC_DISABLE_PLUGINS",
)  # fmt: skip
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
TRIES = 2  # a child that died between two inquiries is no fault of the second


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the child may take."""

    seconds: float = 30.0  # for one inquiry, the start of the child included
    memory_mib: int = 2_048
    idle_seconds: float = 60.0


class WorkerAnalyst:
    """`command` starts a child that serves `child.serve` on its stdin and stdout; the memory bound is its last argument."""

    def __init__(self, command: Sequence[str], bounds: Bounds | None = None) -> None:
        self._command, self._bounds = tuple(command), bounds or Bounds()
        self._news = threading.Condition()
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._waiting: OrderedDict[str, Inquiry] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = self._wanted = False
        self._answered = 0
        self.wake: Callable[[], None] = lambda: None  # called when an answer is there; whoever listens sets it

    @property
    def working(self) -> bool:
        with self._news:
            return bool(self._waiting)

    @property
    def answered(self) -> int:
        return self._answered

    @property
    def pid(self) -> int:
        """The child's process, 0 while none runs."""
        child = self._child
        return child.pid if child and child.poll() is None else 0

    def prepare(self) -> None:
        with self._news:
            if not self._closed and not self.pid:
                self._wanted = True
                self._begin()

    def ask(self, inquiry: Inquiry) -> Answer | None:
        key = digest(inquiry)
        with self._news:
            if key in self._answers:
                return self._answers[key]
            if self._closed:
                return Answer(missing="the analysis has ended")
            if key not in self._waiting:
                if len(self._waiting) >= MOST_WAITING:
                    return Answer(missing=f"the analysis is busy with {len(self._waiting)} other inquiries")
                self._waiting[key] = inquiry
                self._begin()
        return None

    def close(self) -> None:
        with self._news:
            self._closed, thread = True, self._thread
            self._waiting.clear()
            self._news.notify_all()
            if self._child:
                self._child.kill()
        if thread:
            thread.join(timeout=5)

    def _begin(self) -> None:
        self._news.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="analyst", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """Until nothing was asked for a while, or closed."""
        while taken := self._next():
            key, inquiry = taken
            try:
                answer = self._worked_out(inquiry)
            except OSError as error:
                answer = Answer(missing=f"the analysis cannot be started: {error.strerror}")
            with self._news:
                self._waiting.pop(key, None)
                self._answers[key] = answer
                self._answered += 1
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
            self.wake()

    def _next(self) -> tuple[str, Inquiry] | None:
        with self._news:
            while not (self._waiting or self._closed):
                if self._wanted:
                    self._wanted = False
                    with contextlib.suppress(OSError):  # it is said to whoever asks
                        self._running()
                elif not self._news.wait(self._bounds.idle_seconds):
                    break
            if self._waiting and not self._closed:
                return next(iter(self._waiting.items()))
            self._end_child()
            self._thread = None
            return None

    def _worked_out(self, inquiry: Inquiry) -> Answer:
        died = ""
        for _ in range(TRIES):
            child = self._running()
            if child is None:
                return Answer(missing="the analysis has ended")
            expired = threading.Event()
            watch = threading.Timer(self._bounds.seconds, _kill, (child, expired))
            watch.start()
            try:
                if line := _exchange(child, encode(inquiry) + b"\n"):
                    return _read(line)
            finally:
                watch.cancel()
            died = f"the analysis ended with {_ended(child)}"
            self._end_child()
            if expired.is_set():
                return Answer(missing=f"the analysis took longer than {self._bounds.seconds:g} s")
            log.warning("analysis.died", extra={"fields": {"status": child.returncode}})
        return Answer(missing=died)

    def _running(self) -> subprocess.Popen[bytes] | None:
        """The child that lives, or a new one; None once closed."""
        with self._news:
            if self._closed:
                return None
            if self._child and self._child.poll() is not None:
                self._end_child()
            if self._child is None:
                self._child = subprocess.Popen(
                    [*self._command, str(self._bounds.memory_mib)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=Path("/"),
                    env=_environment(),
                    start_new_session=True,
                )
            return self._child

    def _end_child(self) -> None:
        with self._news:
            child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _environment() -> dict[str, str]:
    """What Python needs to start; the caller's secrets stay here, since the child reads what others wrote."""
    return {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ} | ONE_THREAD


def _kill(child: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    child.kill()


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Its status. A child that closed its end without ending, or says more than anybody reads, does not end by itself."""
    try:
        return child.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _exchange(child: subprocess.Popen[bytes], line: bytes) -> bytes:
    """The line that answers this one; b"" when the child is gone."""
    if child.stdin is None or child.stdout is None:
        raise ValueError("a child without pipes")
    try:
        child.stdin.write(line)
        child.stdin.flush()
        answer = child.stdout.readline(MOST_BYTES)
    except OSError:
        return b""
    return answer if answer.endswith(b"\n") else b""


def _read(line: bytes) -> Answer:
    try:
        return decode(Answer, json.loads(line))
    except (ValueError, RecursionError, Permanent) as error:
        return Answer(missing=f"the analysis answered what cannot be read: {type(error).__name__}")
