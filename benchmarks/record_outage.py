"""Records the outage that docs/examples/slow-release ships: the lab's shop, in which one of two releases was slow.

Seeded and simulated, so the same files come out again: `.venv/bin/python benchmarks/record_outage.py`. Nobody is told which.
"""

from __future__ import annotations

import csv
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from reconciler.lab.metrics import measure
from reconciler.lab.stage import Manifests, deploy, read_manifests
from reconciler.lab.world import World
from reconciler.testing.clock import ManualClock

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "examples" / "slow-release"
START_MS = 1_714_564_800_000  # 2024-05-01T12:00:00Z
WARM_MS, LAST_MS, STEP_MS = 600_000, 2_520_000, 15_000
LEFT_OUT = {"release_age_s", "replicas_desired", "latency_p50"}  # what says nothing here makes files longer
CHANGES = (
    (1_440_000, "catalog", "5ca1ab1e", {"Service/catalog": {"release": "5.0.4"}}),
    (1_800_000, "checkout", "b0a710ad", {"Service/checkout": {"release": "1.5.0"}}),
)


def main() -> None:
    manifests = read_manifests(ROOT / "infra-repo-template" / "apps")
    rows: list[dict[str, str]] = []
    changes = [("time", "component", "what", "commit")]
    with tempfile.TemporaryDirectory() as home:
        clock = ManualClock(START_MS - WARM_MS)
        world = World(Path(home), clock, seed=11)
        deploy(world, manifests, 1)
        world.add_fault({"kind": "bad-release", "service": "checkout", "release": "1.5.0", "mode": "slow", "factor": 8})
        left, fields, generation = list(CHANGES), {}, 1
        for now in range(START_MS - WARM_MS, START_MS + LAST_MS, STEP_MS):
            clock.advance(now - clock.now())
            world.advance()
            if left and now >= START_MS + left[0][0]:
                _, component, commit, changed = left.pop(0)
                generation, fields = generation + 1, fields | changed
                deploy(world, manifests, generation, fields)
                changes.append((_time(now), component, "release", commit))
            if now >= START_MS:
                rows.append({"time": _time(now)} | _measured(world, now))
    names = sorted({name for row in rows for name in row if name != "time"})
    _write("metrics.csv", [("time", *names), *((row["time"], *(row.get(n, "") for n in names)) for row in rows)])
    _write("calls.csv", [("caller", "callee"), *sorted(_calls(manifests))])
    _write("changes.csv", changes)


def _measured(world: World, now: int) -> dict[str, str]:
    return {
        f"{name}|{metric}": format(value, ".4g")
        for name, node in sorted(world.nodes.items())
        for metric, value in measure(node, now).items()
        if metric not in LEFT_OUT
    }


def _calls(manifests: Manifests) -> set[tuple[str, str]]:
    return {
        (name.partition("/")[2], call["service"])
        for specs in manifests.values()
        for name, spec in specs.items()
        for call in spec.get("calls", [])
    }


def _time(now_ms: int) -> str:
    return f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _write(name: str, rows: list[tuple[str, ...]]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
