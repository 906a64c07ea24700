"""Diagnosis on data that nobody here made, and in the lab: `make bench-diagnosis`, every part beside chance, a simple rule and
what is published.

`DATA=DIR` takes another folder of the same layout; `ONLY="causes forecasts"` some parts. Each part is a module of `scores` and
a process of its own, two at a time; all of it is deterministic. A part that fails is told at the end, with exit code 1.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import scores
from figures import Figure, report
from scores.recorded import place

SHARED = {"causes_metrics", "forecasts_together", "lab_episodes", "lab_site", "recorded", "resample"}


def parts() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(scores.__path__) if m.name not in SHARED)


def part(name: str, data: Path) -> list[Figure]:
    """The figures of one part."""
    start = time.perf_counter()
    found = list(importlib.import_module(f"scores.{name}").figures(data))
    print(f"{name:<16} {time.perf_counter() - start:5.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> int:
    data = place()
    wanted = os.environ.get("ONLY", "").split()
    names = [name for name in parts() if not wanted or name in wanted]
    if not data.is_dir():
        print(f"no recorded data in {data}: give a folder by DATA=DIR; the lab needs none")
        names = [name for name in names if name.startswith("lab_")]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes on two cores, and the same sums on every machine
    figures: list[Figure] = []
    failed = []
    with ProcessPoolExecutor(2) as pool:
        for name, running in [(name, pool.submit(part, name, data)) for name in names]:
            try:
                figures += running.result()
            except Exception as error:  # noqa: BLE001 - whatever the data does to one part, the others have figures
                failed.append(f"{name}: {type(error).__name__}: {error}")
    code = report(figures)
    for told in failed:
        print(f"failed: {told}")
    return 1 if failed else code


if __name__ == "__main__":
    sys.exit(main())
