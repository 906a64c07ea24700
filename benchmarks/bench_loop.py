"""The loop's own speed: webhook accepted to pull request open, and merge to applied on the lab with its twelve services.

Each run forks off a new `homeostat up` (the loop with the web server, and the lab as its child) on a copy of one prepared home:
checkout runs a release that is eight times as slow, five minutes of telemetry before it and one minute since are stored,
sensors are taken out, grouping window and hold-down are zero, and the installation's clock stands still. The detectors'
process has started, as it otherwise does while signals are grouped: a prediction was asked for before.

* Webhook to pull request: from just before a signed Alertmanager delivery is sent (so its acceptance, with its fsync, is
  counted) until `refs/homeostat/pr/1` exists. Between them lie intake, triage, diagnosis with the detectors' answer, proposal
  with its policy decision, the signed commit, the pull request, and the publishing of records to the signed log, all flushed
  to disk.
* Merge to applied, by the machine: from the moved protected branch (the judges' merge of that pull request) until
  `/readyz` names it as applied: its verdict and signature admitted, rendered, planned, applied over HTTP, recorded.
* Merge to applied, all services: a person's signed commit that edits all twelve services in four units, from the moved
  branch until the same barrier; this includes the wait until the loop next looks at the branch (`turn_seconds`).
"""

from __future__ import annotations

import statistics
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from figures import Figure, p95, report
from homes import MAIN, PATIENCE_S, Process, Stage, commit, copied, cpu_seconds, forked, place, ref_file, staged, wait

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.settings import Home

RUNS, PUSHES = 20, 20
PULL = "refs/homeostat/pr/1"
TO_OPEN = ("take_in", "triage", "diagnose", "propose", "open", "publish")
RULE = b'  rules:\n    - playbooks: [rollback-release]\n      units: ["*"]\n      mode: autonomous\n'
Steps = Mapping[str, tuple[float, int]]


def troubled(stage: Stage) -> Home:
    """A home in which telemetry shows the trouble and nobody has said so yet."""
    sensors = [p for p in stage.system.world.repo.files(stage.system.world.head(), "sensors") if p.endswith(".yaml")]
    stage.push(lambda _path, _data: None, "No sensors: the webhook alone speaks", *sensors)
    stage.push(_at_once, "No waiting", "homeostat.yaml")
    stage.push(lambda _path, data: data.replace(b"  rules:\n", RULE), "Let rollback-release merge", "policies/autonomy.yaml")
    stage.advance(300)
    stage.fault(kind="bad-release", service="checkout", release="1.5.0", mode="slow", factor=8)
    stage.push(lambda _path, data: data.replace(b"1.4.2", b"1.5.0"), "Release checkout 1.5.0", "apps/shop/checkout.yaml")
    stage.advance(60)
    assert not stage.system.store.cases(), "somebody spoke before the webhook"
    return stage.home


def _at_once(_path: str, data: bytes) -> bytes:
    return data.replace(b"holdDownMs: 15000", b"holdDownMs: 0").replace(b"windowMs: 60000", b"windowMs: 0")


def one_run(process: Process, number: int) -> tuple[float, float, float, float, Steps]:
    """Seconds until the delivery was answered, until the pull request was open, from merge to applied; CPU seconds of opening."""
    with urllib.request.urlopen(process.signed("/api/predict", {"service": "checkout"}), timeout=PATIENCE_S) as answer:
        assert answer.status == 200, answer.status
    used = cpu_seconds(process.pid)
    base = ref_file(process.home, MAIN)
    before = process.steps()
    start = time.perf_counter()
    with urllib.request.urlopen(process.alert("checkout", number), timeout=10) as answer:
        assert answer.status == 202, answer.status
    answered = time.perf_counter() - start
    opened = wait(lambda: ref_file(process.home, PULL), "the pull request") - start
    used = cpu_seconds(process.pid) - used
    merged = wait(lambda: ref_file(process.home, MAIN) != base, "the merge")
    landed = ref_file(process.home, MAIN)
    applied = wait(lambda: process.ready()["applied"] == landed, "the apply", every_s=0.005) - merged
    after = process.steps()
    spent = {k: (after[k][0] - before.get(k, (0.0, 0))[0], after[k][1] - before.get(k, (0.0, 0))[1]) for k in after}
    return answered, opened, applied, used, spent


def all_services(process: Process) -> list[float]:
    """Seconds from the moved branch to applied, for commits that edit every service."""
    repo, signer = PygitRepo(process.home.repository), FileSigner(process.home.key("owner"), "owner")
    paths = [p for p in repo.files(repo.ref(MAIN) or "", "apps") if not p.startswith("apps/data/")]
    assert len(paths) == 12, paths
    found = []
    for n in range(PUSHES):
        head = repo.ref(MAIN) or ""
        files: dict[str, bytes | None] = {p: _restarted(repo.read(head, p) or b"", n) for p in paths}
        new = commit(repo, signer, files, f"Restart everything, {n}", int(process.ready()["now_ms"]))
        start = time.perf_counter()
        found.append(wait(lambda new=new: process.ready()["applied"] == new, "the apply", every_s=0.005) - start)
    return found


def _restarted(data: bytes, n: int) -> bytes:
    lines = [line for line in data.decode().splitlines() if not line.startswith("  restart:")]
    at = lines.index("spec:") + 1
    return "\n".join([*lines[:at], f'  restart: "{n}"', *lines[at:]]).encode() + b"\n"


def measure(folder: Path) -> list[Figure]:
    with staged(folder) as stage:
        home = troubled(stage)
    answers, opens, applies, cpu, every = [], [], [], list[float](), list[float]()
    stages: dict[str, list[float]] = defaultdict(list)
    for n in range(RUNS):
        with forked(copied(home, folder / f"run-{n}")) as process:
            answered, opened, applied, used, spent = one_run(process, n)
            cpu.append(used)
            answers.append(answered)
            opens.append(opened)
            applies.append(applied)
            for name, (seconds, times) in spent.items():
                if times and name in (*TO_OPEN, "judge", "land", "converge"):
                    stages[name].append(seconds)
            if n == RUNS - 1:
                every = all_services(process)
    return figures(answers, opens, applies, cpu, every, stages)


def figures(
    answers: list[float],
    opens: list[float],
    applies: list[float],
    cpu: list[float],
    every: list[float],
    stages: Mapping[str, list[float]],
) -> list[Figure]:
    said = ", ".join(f"{name} {statistics.median(stages[name]) * 1e3:.0f}" for name in TO_OPEN if name in stages)
    later = ", ".join(f"{n} {statistics.median(stages[n]) * 1e3:.0f}" for n in ("judge", "land", "converge") if n in stages)
    opening = f"{len(opens)} runs, delivery sent to ref refs/homeostat/pr/1, windows zero; stages in ms until applied: "
    opening += f"202 answered {statistics.median(answers) * 1e3:.0f}, {said}"
    merging = f"{len(applies)} machine merges, moved branch to applied in /readyz; {later} ms"
    each = f"{len(every)} commits that edit 12 services in 4 units, with the wait for the next turn"
    return [
        Figure("loop: webhook to pull request open, median", statistics.median(opens), "s", reach=0.3, note=opening),
        Figure("loop: webhook to pull request open, p95", p95(opens), "s", reach=1.0),
        Figure("loop: webhook to pull request open, CPU", statistics.mean(cpu), "CPU s", note="of the loop's process, mean"),
        Figure("loop: merge to applied, median", statistics.median(applies), "s", reach=0.5, note=merging),
        Figure("loop: merge to applied, p95", p95(applies), "s", reach=1.0),
        Figure("loop: merge of 12 edited services to applied, median", statistics.median(every), "s", reach=0.5, note=each),
        Figure("loop: merge of 12 edited services to applied, p95", p95(every), "s", reach=1.0),
    ]


if __name__ == "__main__":
    with place() as where:
        sys.exit(report(measure(where)))
