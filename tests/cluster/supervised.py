"""The test process's end of a supervisor: starts and ends programs that cannot outlive it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SUPERVISOR = Path(__file__).with_name("supervisor.py")
POLL_SECONDS = 0.02  # servers announce their readiness to nobody: the only way is to ask


class Supervised:
    """A folder and the programs that live in it. Both are gone when this process is, whatever ended it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="homeostat-cluster-"))
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", SUPERVISOR, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the tests, which end this in order
        )
        self.pids: dict[str, int] = {}
        self._argv: dict[str, list[str]] = {}
        self._one_order = threading.Lock()

    @property
    def supervisor_pid(self) -> int:
        return self._supervisor.pid

    def start(self, name: str, *argv: str | Path) -> None:
        self._argv[name] = [str(word) for word in argv]
        self.start_again(name)

    def start_again(self, name: str) -> None:
        """With the same words, after `kill`."""
        self.pids[name] = self._order(start=name, argv=self._argv[name], log=str(self.log(name)))["pid"]

    def kill(self, name: str) -> None:
        """SIGKILL; returns when it has gone."""
        self._order(kill=name)
        del self.pids[name]

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.pids[name], number)

    def alive(self, name: str) -> bool:
        return bool(self._order(alive=name)["alive"])

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def wait(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Until the program is ready; when it ends or takes too long, its last words are the error."""
        end = time.monotonic() + seconds
        while not ready():
            late = time.monotonic() > end
            if late or not self.alive(name):
                words = "\n".join(self.log(name).read_text(errors="replace").splitlines()[-15:])
                raise RuntimeError(f"{name} {f'is not ready after {seconds} s' if late else 'ended'}:\n{words}")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Kills everything and removes the folder."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.close()
        self._supervisor.wait(timeout=20)
        self._supervisor.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)  # a supervisor that was itself killed left it
        self.pids.clear()

    def _order(self, **order: Any) -> dict[str, Any]:
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        with self._one_order:
            self._supervisor.stdin.write(json.dumps(order) + "\n")
            self._supervisor.stdin.flush()
            answer: dict[str, Any] = json.loads(self._supervisor.stdout.readline() or "{}")
        if not answer:
            raise RuntimeError(f"the supervisor of {self.folder} has gone; it was asked to {order}")
        return answer
