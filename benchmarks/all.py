"""`make bench`: every benchmark, one after the other in its own process, and one table of all figures at the end.

Environment: `JSON=FILE` appends a line of JSON a figure ({name, value, unit, baseline, ratio, reach, met}); `STRICT=1`
exits with 1 when a figure misses its reach. A benchmark that fails ends with 1 as well, after the others have run.
`DATA=DIR` is for benchmarks that score data. Names of benchmarks as arguments run only those.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import HANDED, Figure, finish

HERE = Path(__file__).resolve().parent
PATIENCE_S, KUBE_PATIENCE_S = 480, 900  # a real control plane, and Flux beside it, take minutes


def one(script: Path, handed: Path) -> list[Figure]:
    """The figures of one benchmark; OSError with what it said when it failed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("JSON", "STRICT")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(script)], env=environment | {HANDED: str(handed)}, stdout=subprocess.PIPE, text=True,
        timeout=KUBE_PATIENCE_S if "kube" in script.stem else PATIENCE_S, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise OSError(f"{script.name} failed ({done.returncode}): {done.stdout}")
    print(f"{script.stem:<16} {time.perf_counter() - start:5.0f} s", file=sys.stderr, flush=True)
    return [Figure(**figure) for figure in json.loads(handed.read_text(encoding="utf-8"))]


def main(wanted: list[str]) -> int:
    """The exit code."""
    names = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    # A real control plane and recorded data take minutes: `make bench-kube` and `make bench-diagnosis` name them.
    scripts = [path for name, path in names.items() if (name in wanted if wanted else not name.startswith(("kube", "diagnosis")))]
    with tempfile.TemporaryDirectory() as folder:
        figures: list[Figure] = []
        failed = []
        for script in scripts:
            try:
                figures += one(script, Path(folder) / script.stem)
            except (OSError, subprocess.TimeoutExpired) as error:
                failed.append(str(error))
    code = finish(figures)
    for told in failed:
        print(told)
    return 1 if failed else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
