"""Converging 10,000 units in 20,000 files of a real Git repository.

The figure that counts: an unrelated one-file commit, from the moved branch to "nothing to do" (read the ref, read
homeostat.yaml, admit the signed commit against Trust, find the units concerned), and how many units it renders. For
context: a commit that touches one unit until the target has it, and a cold render of every unit.

The same is measured once more as the loop does it in a real home (`steps.converging`): rules, Trust and policies read
from the commit's own trees, facts from the signed log, the admission's record and the cursor stored in SQLite with
their fsync. Publishing that record to the log is not part of "nothing to do" and is shown beside it.
"""

from __future__ import annotations

import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from figures import Figure, p95, report
from homes import commit

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier, FileSigner
from reconciler.bootstrap.create import Request, create
from reconciler.bootstrap.system import open_system
from reconciler.converge.admit import BranchState, admit
from reconciler.converge.commits import Bench
from reconciler.converge.render import RenderCache, RenderedUnit
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.trust import Trust, TrustKey, TrustPrincipal
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import ConvergeResult
from reconciler.documents.installation import Installation
from reconciler.documents.loader import load_one
from reconciler.ports.repo import Identity, RefMove
from reconciler.settings import Home
from reconciler.steps.converging import converge
from reconciler.testing.signing import MemorySigner
from reconciler.testing.targets import FakeTarget

UNITS = 10_000
COLD = 200  # units of the cold render
MAIN = "refs/heads/main"
ALICE = Identity("Alice", "alice@example.org")
KEY = MemorySigner("author", "alice")
TRUST = Trust(True, (TrustPrincipal("alice", (ALICE.email,), (TrustKey(KEY.public),)),), ())


def manifest(name: str, replicas: int) -> bytes:
    head = f"apiVersion: lab.homeostat/v1\nkind: Service\nmetadata:\n  name: {name}\nspec:\n"
    return f"{head}  release: '1.0.0'\n  replicas: {replicas}\n  calls:\n    - service: payment\n      timeoutMs: 800\n".encode()


def installation() -> bytes:
    head = "apiVersion: homeostat/v1\nkind: Installation\nmetadata: {name: big}\nspec:\n  repository: infra\n"
    units = "".join(f"  - {{name: u{i}, path: a/u{i}, target: l}}\n" for i in range(UNITS))
    return f"{head}  targets: [{{name: l, kind: lab}}]\n  units:\n{units}".encode()


def first_commit(path: Path, parent: str = "") -> str:
    """One pack by `git fast-import`: 20,000 files in a second, as a clone would have them."""
    files = [(f"a/u{i}/{part}.yaml", manifest(f"{part}-{i}", 1)) for i in range(UNITS) for part in ("web", "db")]
    after = f"from {parent}\n" if parent else ""
    stream = [f"commit {MAIN}\ncommitter {ALICE.name} <{ALICE.email}> 1000 +0000\ndata 10\nEverything\n{after}".encode()]
    for name, data in (*files, ("homeostat.yaml", installation())):
        stream.append(f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n")
    subprocess.run(["git", "-C", str(path), "fast-import", "--quiet"], input=b"".join(stream), check=True)
    found = subprocess.run(["git", "-C", str(path), "rev-parse", MAIN], check=True, capture_output=True, text=True)
    return found.stdout.strip()


class Controller:
    """What a pipeline keeps between rounds."""

    def __init__(self, repo: PygitRepo, root: str) -> None:
        self.repo, self.root, self.applied, self.generation = repo, root, root, 0
        self.cache = RenderCache(size=UNITS)
        self.converger = Converger(repo, {"l": FakeTarget("l")}, cache=self.cache)
        self.indexes: dict[bytes, UnitIndex] = {}

    def turn(self) -> ConvergeResult:
        head = self.repo.ref(MAIN)
        bench = Bench("infra", "main", 1, Ed25519Verifier(), lambda _: None)
        admitted = admit(self.repo, BranchState(head, self.applied, self.root), lambda _: TRUST, bench)
        assert admitted.good == head, admitted
        self.generation += 1
        result = self.converger.converge(Round(self.index(admitted.good), admitted.good, self.applied, self.generation, 0))
        assert result.ok, result
        self.applied = admitted.good
        return result

    def index(self, revision: str) -> UnitIndex:
        data = self.repo.read(revision, "homeostat.yaml") or b""
        if data not in self.indexes:
            self.indexes[data] = UnitIndex.of(load_one(data, "homeostat.yaml", Installation).document.spec.units)
        return self.indexes[data]

    def push(self, files: Mapping[str, bytes | None], time_ms: int) -> None:
        old = self.repo.ref(MAIN) or ""
        new = self.repo.write(old, files, "One file", ALICE, time_ms, KEY)
        assert self.repo.move([RefMove(MAIN, old, new)])


def measured(controller: Controller, files: Mapping[str, bytes | None], repeat: int) -> tuple[list[float], list[ConvergeResult]]:
    seconds, results = list[float](), list[ConvergeResult]()
    for n in range(repeat):
        controller.push({p: (d or b"") + f"# {n}\n".encode() for p, d in files.items()}, 2_000_000 + n * 1_000)
        start = time.perf_counter()
        results.append(controller.turn())
        seconds.append(time.perf_counter() - start)
    return seconds, results


class Counting(Converger):
    """The loop's own converger, which also counts what it renders."""

    renders = 0

    def converge(self, ask: Round) -> ConvergeResult:
        result = super().converge(ask)
        self.renders += result.renders
        return result


def in_the_loop(folder: Path, repeat: int) -> tuple[list[float], list[float], int]:
    """Seconds of `steps.converging.converge` for unrelated commits in a home of 10,000 units, with publishing, renders."""
    home = Home(folder / "home")
    create(home, Request(clock="stepped", port=0, lab_port=0, owner="alice", email=ALICE.email))
    repo, owner = PygitRepo(home.repository), FileSigner(home.key("owner"), "owner")
    big = first_commit(home.repository, repo.ref(MAIN) or "")
    quick, whole = list[float](), list[float]()
    with open_system(home, lab_url="http://127.0.0.1:9") as system:
        world = dataclasses.replace(system.world, make_converger=lambda: Counting(repo, system.world.targets))
        world.cursor.applied, world.cursor.generation = big, 2  # as if everything had been applied
        for n in range(repeat + 1):
            head = commit(repo, owner, {"docs/notes.md": f"hello {n}\n".encode()}, "A note", world.clock.now())
            start = time.perf_counter()
            converge(world)
            middle = time.perf_counter()
            world.publish()
            assert world.cursor.applied == head, world.cursor.refused
            if n:  # the first reads the rules of 10,000 units
                quick.append(middle - start)
                whole.append(time.perf_counter() - start)
        assert isinstance(world.converger, Counting)
        return quick, whole, world.converger.renders


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        path = init_bare(Path(home) / "infra.git", author=KEY.public)
        root = first_commit(path)
        controller = Controller(PygitRepo(path), root)
        start = time.perf_counter()
        index = controller.index(root)
        load_s = time.perf_counter() - start
        start = time.perf_counter()
        some = index.in_order(f"u{i}" for i in range(COLD))
        assert all(isinstance(controller.cache.get(controller.repo, root, u, "lab"), RenderedUnit) for u in some)
        render_s = time.perf_counter() - start
        unrelated, quiet = measured(controller, {"docs/notes.md": b"hello\n"}, 30)
        one, touched = measured(controller, {"a/u77/web.yaml": manifest("web-77", 2)}, 30)
        assert all(not r.outcomes for r in quiet)
        assert all(len(r.outcomes) == 1 for r in touched)
        quick, published, renders = in_the_loop(Path(home), 30)
        return report(
            [
                Figure("converge.unrelated.renders", sum(r.renders for r in quiet), "renders", reach=0, note="30 commits"),
                Figure("converge.unrelated.p50", statistics.median(unrelated) * 1e3, "ms", reach=30, note="ref to nothing to do"),
                Figure("converge.unrelated.p95", p95(unrelated) * 1e3, "ms", reach=30),
                Figure("converge.unrelated.in_the_loop.renders", renders, "renders", reach=0, note="30 commits"),
                Figure(
                    "converge.unrelated.in_the_loop.p50",
                    statistics.median(quick) * 1e3,
                    "ms",
                    reach=30,
                    note=f"rules, facts and records included; {statistics.median(published) * 1e3:.0f} ms with publishing",
                ),
                Figure("converge.unrelated.in_the_loop.p95", p95(quick) * 1e3, "ms", reach=30),
                Figure("converge.one_unit.p50", statistics.median(one) * 1e3, "ms", note="ref to applied on a fake target"),
                Figure("converge.cold_render", render_s, "s", note=f"{COLD} units, {2 * COLD} files"),
                Figure("converge.load_installation", load_s, "s", note=f"{len(index.by_name)} units in one homeostat.yaml"),
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
