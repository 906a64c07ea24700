"""Whole installations for benchmarks: made once with a stepped clock, copied for each run, run as real processes.

The clock is stepped so that trouble can be built up in telemetry in a few seconds and then stands still: what a run
takes after that is Homeostat's own work, in wall time. Nothing else is replaced: the same home, Git, SQLite, lab and
HTTP as `homeostat up`, which `running` starts as processes of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from reconciler.adapters.clocks.stepped import SteppedClock
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.bootstrap.create import Request, create
from reconciler.bootstrap.opening import open_settings
from reconciler.bootstrap.run import start_lab, up
from reconciler.bootstrap.system import System, open_system
from reconciler.pipeline import turn
from reconciler.ports.repo import Identity, RefMove
from reconciler.settings import Home

MAIN, ADA = "refs/heads/main", Identity("Ada", "ada@example.org")
STEP_MS = 5_000
PATIENCE_S = 60.0
UP = "import sys; from pathlib import Path; from reconciler.bootstrap.run import up; from reconciler.settings import Home; "
UP += "up(Home(Path(sys.argv[1])), print)"


def fetch(url: str, body: Any = None) -> Any:
    """JSON over HTTP; a body makes it a POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def commit(repo: PygitRepo, signer: FileSigner, files: Mapping[str, bytes | None], message: str, time_ms: int) -> str:
    """A person's commit on the protected branch, as a push leaves it; its id."""
    base = repo.ref(MAIN) or ""
    made = repo.write(base, files, message, ADA, time_ms, signer)
    if not repo.move([RefMove(MAIN, base, made)]):
        raise SystemExit("the protected branch moved meanwhile")
    return made


@dataclass
class Stage:
    """One installation inside this process, whose time the benchmark moves."""

    home: Home
    system: System
    lab: str

    def settle(self) -> None:
        while turn(self.system.world):
            pass

    def advance(self, seconds: int) -> None:
        clock = self.system.world.clock
        assert isinstance(clock, SteppedClock)
        for _ in range(0, seconds * 1_000, STEP_MS):
            clock.advance(STEP_MS)
            self.settle()

    def push(self, edit: Callable[[str, bytes], bytes | None], message: str, *paths: str) -> None:
        world = self.system.world
        files = {path: edit(path, world.repo.read(world.head(), path) or b"") for path in paths}
        repo = PygitRepo(self.home.repository)
        commit(repo, FileSigner(self.home.key("owner"), "owner"), files, message, world.clock.now())
        self.settle()

    def fault(self, **fault: Any) -> None:
        fetch(f"{self.lab}/faults", fault)


@contextlib.contextmanager
def staged(folder: Path, *, clock: str = "stepped") -> Iterator[Stage]:
    """A fresh installation, open in this process; its lab is a child process."""
    home = Home(folder / "home")
    create(home, Request(clock=clock, port=0, lab_port=0, owner="ada", email=ADA.email))
    with start_lab(home, open_settings(home)) as lab, open_system(home, lab_url=lab) as system:
        stage = Stage(home, system, lab)
        stage.settle()
        yield stage


@dataclass(frozen=True)
class Process:
    """A running `homeostat up`."""

    home: Home
    pid: int
    web: str
    lab: str

    def ready(self) -> Any:
        return fetch(f"{self.web}/readyz")

    def steps(self) -> dict[str, tuple[float, int]]:
        """Stage to (seconds spent, times run), from the healer's own metrics."""
        found: dict[str, list[float]] = {}
        with urllib.request.urlopen(f"{self.web}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                name, _, rest = line.partition("{")
                if name in ("homeostat_step_seconds_sum", "homeostat_step_seconds_count"):
                    stage, value = rest.split('"')[1], float(line.rpartition(" ")[2])
                    found.setdefault(stage, [0.0, 0.0])[name.endswith("count")] = value
        return {stage: (seconds, int(count)) for stage, (seconds, count) in found.items()}

    def alert(self, component: str, number: int) -> urllib.request.Request:
        """A signed Alertmanager delivery about one component."""
        labels = {"alertname": "HighLatency", "service": component, "severity": "critical", "run": str(number)}
        alert = {"status": "firing", "labels": labels, "startsAt": "2026-03-02T10:05:00Z", "annotations": {}}
        return self.signed(
            "/webhooks/alertmanager", {"version": "4", "status": "firing", "receiver": "homeostat", "alerts": [alert]}
        )

    def signed(self, path: str, content: object) -> urllib.request.Request:
        """A delivery or a question that proves the home's secret."""
        body = json.dumps(content).encode()
        secret = self.home.secret.read_text(encoding="utf-8").strip().encode()
        proof = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Homeostat-Signature": proof}
        return urllib.request.Request(f"{self.web}{path}", body, headers)


@contextlib.contextmanager
def running(home: Home) -> Iterator[Process]:
    """`homeostat up` of this home as processes of their own, settled; ended afterwards."""
    said = home.root / "up.log"
    with said.open("wb") as log:
        child = subprocess.Popen([sys.executable, "-c", UP, str(home.root)], stdout=log, stderr=log, cwd=home.root)
    try:
        yield _up(home, lambda: child.poll() is None)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=20)


@contextlib.contextmanager
def forked(home: Home) -> Iterator[Process]:
    """The same, but forked off this process, which has imported everything: starting costs less, running costs the same."""
    import reconciler.bootstrap.web  # noqa: F401 - what every child would import again

    child = os.fork()
    if child == 0:
        _become_up(home)
    try:
        yield _up(home, lambda: os.waitpid(child, os.WNOHANG) == (0, 0))
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


def _become_up(home: Home) -> NoReturn:
    log = os.open(home.root / "up.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        up(home, print)
    except BaseException:  # noqa: BLE001 - whatever it is, the child must not run on as the benchmark
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _up(home: Home, alive: Callable[[], bool]) -> Process:
    """Waits until it has settled."""
    if not wait(lambda: home.running.exists() or not alive(), "homeostat up to start") or not home.running.exists():
        raise SystemExit(f"homeostat up ended: {(home.root / 'up.log').read_text(encoding='utf-8')}")
    found = json.loads(home.running.read_text(encoding="utf-8"))
    process = Process(home, int(found["pid"]), str(found["web"]), str(found["lab"]))
    wait(lambda: _settled(process), "homeostat up to settle", every_s=0.05)
    return process


def _settled(process: Process) -> bool:
    try:
        return int(process.ready()["settled_ms"]) >= 0
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def copied(home: Home, folder: Path) -> Home:
    """The same installation at another place."""
    shutil.copytree(home.root, folder)
    return Home(folder)


def wait(what: Callable[[], object], name: str, *, every_s: float = 0.001) -> float:
    """The moment at which `what()` became true."""
    until = time.perf_counter() + PATIENCE_S
    while not what():
        if time.perf_counter() > until:
            raise SystemExit(f"waited {PATIENCE_S:g} s for {name}")
        time.sleep(every_s)
    return time.perf_counter()


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A folder for one benchmark, on the disk that TMPDIR names."""
    folder = Path(tempfile.mkdtemp(prefix="homeostat-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ref_file(home: Home, name: str) -> str:
    """What a loose ref holds, "" while there is none: one look that costs the watched processes nothing."""
    try:
        return (home.repository / name).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
