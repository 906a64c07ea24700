"""What an idle `homeostat up` weighs: all of its processes together, and how many there are.

A fresh home with the system clock is started as processes of its own (the loop with the web server; the lab as its
child) and left alone for some seconds in which it scrapes, looks at its sensors and checks for drift. Then the
proportional set size (Pss of /proc/PID/smaps_rollup: shared pages are split among those who share them) of the process
and all its descendants is added up. The healer was asked for its page once before, as a person would.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from figures import Figure, report
from homes import ADA, cpu_seconds, place, running

from reconciler.bootstrap.create import Request, create
from reconciler.settings import Home

IDLE_S = 12.0  # two scrapes and two looks for drift


def descendants(pid: int) -> list[int]:
    """The process and everything it started."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def pss(pid: int) -> float:
    """MiB."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024


def command(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return "lab" if "reconciler.bootstrap.labprocess" in words else "loop and web"


def measure(folder: Path) -> list[Figure]:
    home = Home(folder / "home")
    create(home, Request(port=0, lab_port=0, owner="ada", email=ADA.email))
    with running(home) as process:
        _look(f"{process.web}/")
        _look(f"{process.web}/metrics")
        before = {pid: cpu_seconds(pid) for pid in descendants(process.pid)}
        time.sleep(IDLE_S)
        weights = {pid: pss(pid) for pid in descendants(process.pid)}
        used = sum(cpu_seconds(pid) - before.get(pid, 0.0) for pid in weights) / IDLE_S
        each = ", ".join(f"{command(pid)} {weight:.0f}" for pid, weight in weights.items())
    return [
        Figure("up, idle: memory of all processes (PSS)", sum(weights.values()), "MiB", reach=250, note=each),
        Figure("up, idle: processes", len(weights), "processes", reach=2),
        Figure("up, idle: CPU of all processes", used * 100, "% of a core", note=f"over {IDLE_S:g} s"),
    ]


def _look(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            answer.read()
    except urllib.error.HTTPError:
        pass  # a page that wants a login has been loaded all the same


if __name__ == "__main__":
    with place() as where:
        sys.exit(report(measure(where)))
