"""What a verb costs from the shell: the whole process, byte code warm, on a home as `homeostat init` makes it.

The work of the verb is in it: a brake is on record when `brake on` returns. So a verb that writes is also measured a second
time within one process, when everything is imported: the whole process less that is the verb's own overhead. Figures are
medians; who asks for them wants to wait no longer than it takes to read the answer.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import Figure, report, times

RUNS = 7
VERBS: dict[str, tuple[tuple[str, ...], float | None]] = {
    "--help": (("--help",), 0.3),
    "status": (("status",), 0.6),
    "pr list": (("pr", "list"), 0.6),
    "brake list": (("brake", "list"), 0.6),
    # No overhead of its own: every document is read twice, by the models and by the published schemas.
    "policy check of 38 files": (("policy", "check"), None),
    "panic --dry-run": (("panic", "--since", "5m", "--dry-run"), 0.6),
    "brake on": (("brake", "on", "--reason", "measured", "--for", "1h"), None),
}
WORKS = {"brake on": 0.6}
AGAIN = """
import sys, time
from reconciler.cli import main
main(sys.argv[1:])
began = time.perf_counter()
main(sys.argv[1:])
print(time.perf_counter() - began, file=sys.stderr)
"""


def measure(folder: Path) -> list[Figure]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    program = (str(Path(sys.executable).parent / "homeostat"), "--home", str(folder / "home"))

    def run(*words: str) -> None:
        at = folder / "checkout" if words[0] == "policy" else folder
        subprocess.run([*program, *words], env=environment, check=True, stdout=subprocess.DEVNULL, cwd=at)

    run("init")
    subprocess.run(["git", "clone", "-q", str(folder / "home" / "infra.git"), str(folder / "checkout")], check=True)
    figures = []
    for name, (words, reach) in VERBS.items():
        run(*words)  # byte code
        found = times(lambda words=words: run(*words), RUNS)
        figures.append(
            Figure(f"cli: {name}, whole process, median", statistics.median(found), "s", reach, note=f"min {min(found):.2f} s")
        )
        if name in WORKS:
            again = (sys.executable, "-c", AGAIN, "--home", str(folder / "home"), *words)
            told = [subprocess.run(again, env=environment, check=True, capture_output=True, text=True) for _ in range(RUNS)]
            work = statistics.median(float(one.stderr) for one in told)
            own = statistics.median(found) - work
            figures.append(Figure(f"cli: {name}, own overhead", own, "s", WORKS[name], note=f"its work {work:.2f} s"))
    return figures


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.exit(report(measure(Path(place))))
