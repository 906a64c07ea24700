"""Of several processes one converges a cluster; who was stopped too long stops by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.controlplane import Cluster
from kubernetes_unit import ClusterUnit, cluster_unit, soon

from reconciler.adapters.targets.kubernetes import lease
from reconciler.errors import Retryable

pytestmark = pytest.mark.peer
OTHER = """
import sys, time
from pathlib import Path
from kubernetes_unit import ClusterUnit, OnDisk
from reconciler.adapters.targets.kubernetes import lease
lease.DURATION_S, lease.RENEW_S, lease.SURE_S = 3.0, 0.5, 2.0
unit = ClusterUnit(OnDisk(Path(sys.argv[1])), sys.argv[2])
turn = 0
while True:
    turn += 1
    try:
        done = unit.put(*[unit.config(f"c{n}", by="other", turn=str(turn)) for n in range(40)])
        print("applied" if done.ok else done.reason, flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("DURATION_S", 3.0), ("RENEW_S", 0.5), ("SURE_S", 2.0)):
        monkeypatch.setattr(lease, name, seconds)


@pytest.fixture
def unit(api_server: Cluster, namespace: str) -> Iterator[ClusterUnit]:
    with cluster_unit(api_server, namespace) as made:
        yield made


def test_a_second_process_does_nothing_while_the_first_has_the_lease_and_goes_on_when_it_is_given_back(unit: ClusterUnit) -> None:
    unit.put(unit.config(a="1"))
    with cluster_unit(unit.cluster, unit.space) as second:
        second.generation = unit.generation
        with pytest.raises(Retryable, match="converged by"):
            second.put(second.config(a="2"))
        unit.target.close()
        assert second.put(second.config(a="2")).ok
        assert second.ask("GET", f"{second.configs}/settings")["data"] == {"a": "2"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_holder_that_is_gone_in_the_middle_of_an_apply_is_followed_and_repeats_nothing(
    unit: ClusterUnit, tmp_path: Path, how: signal.Signals
) -> None:
    said = tmp_path / "out"
    with said.open("w") as out:
        other = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(unit.cluster.folder), unit.space],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        soon(lambda: "applied" in said.read_text(), "the other process applies", 60)
        other.send_signal(how)
        mine = [unit.config(f"c{n}", by="me") for n in range(40)]
        unit.generation = 1_000_000

        def taken() -> bool:
            try:
                return unit.put(*mine).ok
            except Retryable:
                return False

        assert soon(taken, "the lease is taken over", 60) < 30
        if how is signal.SIGSTOP:
            before = len(said.read_text())
            other.send_signal(signal.SIGCONT)
            soon(lambda: bool({"Retryable", "Elsewhere", "stale-plan"} & set(said.read_text()[before:].split())), "it stops", 60)
        assert unit.plan(*mine).is_empty or unit.put(*mine).ok
        found = {
            i["metadata"]["name"]: i["data"] for i in unit.ask("GET", unit.configs)["items"] if i["metadata"]["name"][0] == "c"
        }
        assert {n: d["by"] for n, d in found.items()} == {f"c{n}": "me" for n in range(40)}
    finally:
        other.kill()
        other.wait()
