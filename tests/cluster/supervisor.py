"""Holds the processes of one cluster, so that none outlives the test process, however that one dies.

It reads orders from a pipe whose only writer is the test process. When the pipe closes, because of an orderly end or a
SIGKILL, everything started here is killed and the cluster's folder removed. Should this process itself be killed, the
kernel kills its children (Linux).

Orders are lines of JSON, each answered by one line: {"start": NAME, "argv": [...], "log": FILE} with {"pid": N},
{"kill": NAME} with {"code": N} once it has gone, {"alive": NAME} with {"alive": BOOL}.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
# Looked up before any fork: nothing may be loaded between fork and exec.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Runs in the child between fork and exec."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv: list[str], log: str) -> subprocess.Popen[bytes]:
    with open(log, "ab") as out:  # noqa: PTH123 - pathlib would double the time that this process takes to start
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one thread here, so the hook is safe
            cwd=os.path.dirname(log),  # noqa: PTH120
        )


def kill(process: subprocess.Popen[bytes]) -> int:
    process.kill()  # a stopped process dies of it, too
    return process.wait()


def obey(order: dict[str, Any], running: dict[str, subprocess.Popen[bytes]]) -> dict[str, Any]:
    if "start" in order:
        running[order["start"]] = process = start(order["argv"], order["log"])
        return {"pid": process.pid}
    if "kill" in order:
        return {"code": kill(running.pop(order["kill"]))}
    return {"alive": running[order["alive"]].poll() is None}


def main(folder: str) -> None:
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(obey(json.loads(line), running)) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        pass  # the test process died before it read the answer: the same end
    finally:
        # The last started first: an API server without its etcd would only wait.
        for process in reversed(running.values()):
            kill(process)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
