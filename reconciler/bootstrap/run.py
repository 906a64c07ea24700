"""Run: one home kept running: the lab as a child process, the pages in a thread, the loop in the main thread.

The lab holds the reading end of a pipe whose writing end only this process has: when this process dies, however it dies,
the lab reads the end of the pipe and stops. Nothing else needs to be cleaned up after kill -9.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from reconciler.adapters.analysts.worker import Bounds, WorkerAnalyst
from reconciler.audit.redact import Redactor
from reconciler.bootstrap import create, opening
from reconciler.bootstrap.heart import Heart
from reconciler.bootstrap.logs import start_logging
from reconciler.bootstrap.opening import Running
from reconciler.bootstrap.system import System, open_system
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.pipeline import turn
from reconciler.policy.self_testing import self_test
from reconciler.settings import Home, Settings, address
from reconciler.steps.beating import beat

LAB_START_S = 20
LESSON_S = 600.0  # a model of failures is learned in seconds, and nobody waits for it
LACKING_STEP = "install the extra `analysis` (in a checkout: `make analysis`); until then the loop goes on without the detectors"
log = logging.getLogger(__name__)


class Loop:
    """Turns of the loop until told to stop; woken by the webhook and by targets with news, otherwise every `turn_seconds`."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._heart = Heart(system.settings.heartbeat_url)
        system.connections.wake = self.wake

    def wake(self) -> None:
        self._wake.set()

    def stop(self, *_: object) -> None:
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Until stopped. A turn that did something is followed by another at once."""
        world = self._system.world
        while not self._stop.is_set():
            now, thinking = world.clock.now(), world.analyst is not None and world.analyst.working
            busy = turn(world)
            if beat(world, self._system.settings.heartbeat_seconds * 1_000):
                self._heart.beat(world.cursor.turns)
            world.cursor.turns += 1
            if not busy:
                if not thinking:  # whoever steps the Clock waits for what is being worked out
                    world.cursor.settled_ms = now
                self._wake.wait(self._system.settings.turn_seconds)
                self._wake.clear()


def up(home: Home, tell: Callable[[str], None]) -> None:
    """Run one home until SIGINT or SIGTERM."""
    opening.require(home)
    with _alone(home):
        start_logging(Redactor(opening.known(home)))
        require_guards()
        create.settle(home)
        settings = opening.open_settings(home)
        with contextlib.ExitStack() as stack:
            lab = stack.enter_context(start_lab(home, settings)) if settings.lab.enabled else ""
            listener = stack.enter_context(_listen(home, settings))
            web = address(settings.web.host, listener.getsockname()[1])
            analyst, learner = stack.enter_context(start_analysis(home, settings))
            system = stack.enter_context(open_system(home, lab_url=lab, base_url=web, analyst=analyst))
            system.world = dataclasses.replace(system.world, learner=learner)
            system.world.work.free(system.world.worker)  # this process has the home to itself: who held them is dead
            loop = Loop(system)
            if analyst:
                analyst.wake = loop.wake
            stack.enter_context(_serve(system, listener, loop))
            _announce(home, Running(os.getpid(), web, lab))
            stack.callback(home.running.unlink, missing_ok=True)
            signal.signal(signal.SIGTERM, loop.stop)
            signal.signal(signal.SIGINT, loop.stop)
            tell(_welcome(home, web, lab))
            loop.run()
            tell("stopping: the lab, the pages and the analysis end; what is under way goes on at the next `homeostat up`")


def require_guards() -> None:
    """Every policy guard is tried on a seeded violation; one that lets it through stops the start."""
    if failures := self_test():
        raise Permanent(
            f"the policy guards do not hold: {'; '.join(failures)}", next_step="install homeostat again; nothing was started"
        )


def _welcome(home: Home, web: str, lab: str) -> str:
    return f"""\
page        {web}/
webhook     {web}/webhooks/alertmanager
lab         {lab or "none"}
repository  {home.repository}
log in      homeostat --home {home.root} login      prints a link that opens the page
Ctrl-C stops; the next `homeostat up` resumes everything."""


@contextlib.contextmanager
def _alone(home: Home) -> Iterator[None]:
    """One process runs a home; the lock dies with it."""
    with (home.root / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Retryable(f"another `homeostat up` runs in {home.root}", next_step="homeostat status") from error
        yield


def _listen(home: Home, settings: Settings) -> socket.socket:
    host, port = settings.web.host, settings.web.port
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # who connects before the pages are served waits instead of being refused
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"cannot listen on {host}:{port}: {error.strerror}",
            where=str(home.settings),
            next_step="write another port there, such as web: {port: 8767}, or stop what listens",
        ) from error
    return listener


@contextlib.contextmanager
def _serve(system: System, listener: socket.socket, loop: Loop) -> Iterator[None]:
    """The pages and the webhook in a thread of their own."""
    import uvicorn

    from reconciler.bootstrap.web import make_app

    config = uvicorn.Config(make_app(system, loop.wake), log_config=None, access_log=False, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=5)


@contextlib.contextmanager
def start_lab(home: Home, settings: Settings) -> Iterator[str]:
    """The lab as a child; its address. It ends with this process."""
    read_end, write_end = os.pipe()
    command = [
        sys.executable,
        "-m",
        "reconciler.bootstrap.labprocess",
        str(home.root),
        str(settings.lab.port),
        str(settings.lab.seed),
    ]
    process = subprocess.Popen(command, stdin=read_end, stdout=subprocess.PIPE, cwd=Path("/"), start_new_session=True)
    os.close(read_end)
    try:
        line = (process.stdout.readline() if process.stdout else b"").decode().strip()
        if not line.startswith("http://"):
            raise Misconfigured(
                f"the lab did not start: {line or 'it said nothing'}",
                where=str(home.settings),
                next_step="write another port there, such as lab: {port: 8768}, or stop what listens",
            )
        yield line
    finally:
        os.close(write_end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@contextlib.contextmanager
def start_analysis(home: Home, settings: Settings) -> Iterator[tuple[WorkerAnalyst | None, WorkerAnalyst | None]]:
    """The process of the detectors and that of the lessons, started when asked; none if switched off or without packages."""
    from reconciler.bootstrap.analysisprocess import lacking

    if not settings.analysis.enabled:
        yield None, None
        return
    if missing := lacking():
        log.warning("analysis.lacking", extra={"fields": {"packages": ", ".join(missing), "next": LACKING_STEP}})
        yield None, None
        return
    wanted = settings.analysis
    looking = Bounds(wanted.seconds, wanted.memory_mib, wanted.idle_seconds)
    learning = Bounds(LESSON_S, wanted.memory_mib, idle_seconds=1.0)
    with (
        contextlib.closing(WorkerAnalyst(_child("analysisprocess", home), looking)) as analyst,
        contextlib.closing(WorkerAnalyst(_child("lessonsprocess", home), learning)) as learner,
    ):
        yield analyst, learner


def _child(module: str, home: Home) -> list[str]:
    return [sys.executable, "-m", f"reconciler.bootstrap.{module}", str(home.root.resolve())]


def _announce(home: Home, running: Running) -> None:
    fresh = home.running.with_suffix(".new")
    fresh.write_text(json.dumps({"pid": running.pid, "web": running.web, "lab": running.lab}) + "\n", encoding="utf-8")
    fresh.replace(home.running)
