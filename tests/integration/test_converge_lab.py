"""From a signed commit on real Git to a live object in the lab over real HTTP, and back again."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.adapters.signing.ed25519 import Ed25519Verifier
from reconciler.adapters.targets.lab import LabTarget
from reconciler.converge.admit import Admitted, BranchState, admit
from reconciler.converge.commits import Bench
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.trust import Trust, TrustKey, TrustPrincipal
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import ConvergeResult
from reconciler.documents.installation import Unit
from reconciler.lab.server import make_server
from reconciler.lab.world import World
from reconciler.model.reasons import Reason
from reconciler.ports.repo import Identity, RefMove
from reconciler.testing.clock import ManualClock
from reconciler.testing.signing import MemorySigner

MAIN = "refs/heads/main"
ALICE = Identity("Alice", "alice@example.org")
KEY = MemorySigner("author", "alice")
TRUST = Trust(True, (TrustPrincipal("alice", (ALICE.email,), (TrustKey(KEY.public),)),), ())


def manifest(replicas: int) -> bytes:
    return f"""apiVersion: lab.homeostat/v1
kind: Service
metadata:
  name: checkout
spec:
  release: "1.4.2"
  replicas: {replicas}
  cpuMillis: 500
  memoryMiB: 512
  workers: 8
  queue:
    limit: 200
    timeoutMs: 2000
  calls: []
  restart: ""
""".encode()


class System:
    """A branch, a lab and what a pipeline keeps in between."""

    def __init__(self, repo: PygitRepo, lab: LabTarget, url: str) -> None:
        self.repo, self.lab, self.url = repo, lab, url
        self.index = UnitIndex.of([Unit(name="shop", path="apps/shop", target="lab")])
        self.converger = Converger(repo, {"lab": lab})
        self.root = self.push({"README.md": b"x"}, old="")
        self.applied, self.generation = "", 0

    def push(self, files: dict[str, bytes | None], *, signer: MemorySigner | None = KEY, old: str | None = None) -> str:
        base = (self.repo.ref(MAIN) or "") if old is None else old
        new = self.repo.write(base, files, "Edit", ALICE, 1_000_000, signer)
        assert self.repo.move([RefMove(MAIN, base, new)])
        return new

    def turn(self) -> tuple[Admitted, ConvergeResult]:
        bench = Bench("infra", "main", 0, Ed25519Verifier(), lambda _: None)
        admitted = admit(self.repo, BranchState(self.repo.ref(MAIN), self.applied, self.root), lambda _: TRUST, bench)
        self.generation += 1
        result = self.converger.converge(Round(self.index, admitted.good, self.applied, self.generation, 0))
        self.applied = admitted.good
        return admitted, result

    @property
    def replicas(self) -> int:
        spec = httpx.get(f"{self.url}/state").json()["services"]["checkout"]["spec"]
        return int(spec["replicas"])


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    server = make_server(World(tmp_path / "lab", ManualClock()))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    lab = LabTarget("lab", url)
    try:
        yield System(PygitRepo(init_bare(tmp_path / "infra.git", author=KEY.public)), lab, url)
    finally:
        lab.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_signed_commit_becomes_live_and_an_unsigned_one_does_not(system: System) -> None:
    system.push({"apps/shop/checkout.yaml": manifest(3)})
    admitted, result = system.turn()
    assert (admitted.reason, result.ok, system.replicas) == (Reason.OK, True, 3)
    system.push({"apps/shop/checkout.yaml": manifest(5)}, signer=None)
    admitted, result = system.turn()
    assert (admitted.reason, result.outcomes, system.replicas) == (Reason.NOT_ADMITTED, (), 3)


def test_a_hand_edit_in_the_lab_is_drift_and_is_put_back(system: System) -> None:
    system.push({"apps/shop/checkout.yaml": manifest(3)})
    system.turn()
    fault = {"kind": "hand-edit", "id": "Service/checkout", "set": {"replicas": 9}}
    httpx.post(f"{system.url}/faults", json=fault).raise_for_status()
    assert system.replicas == 9
    report = system.converger.drift(system.index, system.applied, ["shop"], 0)
    assert [d.id for d in report.drifts] == ["Service/checkout"]
    ask = Round(system.index, system.applied, system.applied, system.generation, 0, drifted=report.correct)
    assert system.converger.converge(ask).ok
    assert system.replicas == 3


def test_what_the_lab_refuses_is_told_with_its_field_and_the_old_state_stays(system: System) -> None:
    system.push({"apps/shop/checkout.yaml": manifest(3)})
    system.turn()
    system.push({"apps/shop/checkout.yaml": manifest(3).replace(b"workers: 8", b"workers: many")})
    _, result = system.turn()
    assert result.outcomes[0].reason is Reason.ERROR
    assert "workers" in result.outcomes[0].detail
    assert (system.replicas, result.pending) == (3, {"shop"})


def test_a_rewritten_branch_changes_nothing_live(system: System) -> None:
    applied = system.push({"apps/shop/checkout.yaml": manifest(3)})
    system.turn()
    rewritten = system.repo.write(system.root, {"apps/shop/checkout.yaml": manifest(7)}, "Forced", ALICE, 2_000_000, KEY)
    assert system.repo.move([RefMove(MAIN, applied, rewritten)])
    admitted, result = system.turn()
    assert (admitted.reason, admitted.good, result.outcomes, system.replicas) == (Reason.REWRITTEN, applied, (), 3)
