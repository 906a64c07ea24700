"""Converging 10,000 units in 20,000 files of a real Git repository.

The figure that counts: an unrelated one-file commit, from the moved branch to "nothing to do" (read the ref, read
homeostat.yaml, admit the signed commit against Trust, find the units concerned), and how many units it renders. For
context: a commit that touches one unit until the target has it, and a cold render of every unit.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from figures import Figure, p95, report

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier
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


def first_commit(path: Path) -> str:
    """One pack by `git fast-import`: 20,000 files in a second, as a clone would have them."""
    files = [(f"a/u{i}/{part}.yaml", manifest(f"{part}-{i}", 1)) for i in range(UNITS) for part in ("web", "db")]
    stream = [f"commit {MAIN}\ncommitter {ALICE.name} <{ALICE.email}> 1000 +0000\ndata 10\nEverything\n".encode()]
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
        assert all(isinstance(controller.cache.get(controller.repo, root, u), RenderedUnit) for u in some)
        render_s = time.perf_counter() - start
        unrelated, quiet = measured(controller, {"docs/notes.md": b"hello\n"}, 30)
        one, touched = measured(controller, {"a/u77/web.yaml": manifest("web-77", 2)}, 30)
        assert all(not r.outcomes for r in quiet)
        assert all(len(r.outcomes) == 1 for r in touched)
        return report(
            [
                Figure("converge.unrelated.renders", sum(r.renders for r in quiet), "renders", reach=0, note="30 commits"),
                Figure("converge.unrelated.p50", statistics.median(unrelated) * 1e3, "ms", reach=30, note="ref to nothing to do"),
                Figure("converge.unrelated.p95", p95(unrelated) * 1e3, "ms", reach=30),
                Figure("converge.one_unit.p50", statistics.median(one) * 1e3, "ms", note="ref to applied on a fake target"),
                Figure("converge.cold_render", render_s, "s", note=f"{COLD} units, {2 * COLD} files"),
                Figure("converge.load_installation", load_s, "s", note=f"{len(index.by_name)} units in one homeostat.yaml"),
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
