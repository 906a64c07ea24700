"""The verbs that look, from a person's home to a real cluster: what was pushed, how it fails, what differs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_nodes as node
import pytest
from cluster.controlplane import Cluster
from installation import GIT
from kubernetes_unit import ClusterUnit, soon

from reconciler.bootstrap.create import Request, create
from reconciler.cli import main
from reconciler.model.home import Home

pytestmark = pytest.mark.peer
PLACE = "apps/web/web.yaml"


class Person:
    """Who has a home, a clone and a cluster."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.capsys = home, capsys

    def run(self, *arguments: str) -> tuple[int, str]:
        self.capsys.readouterr()
        code = main(["--home", str(self.home), *arguments])
        return code, self.capsys.readouterr().out

    def asked(self, *arguments: str) -> Any:
        return json.loads(self.run("--json", *arguments)[1])


@pytest.fixture
def unit(whole_cluster: Cluster, namespace: str) -> ClusterUnit:
    made = ClusterUnit(whole_cluster, namespace)
    made.target.close()
    return made


@pytest.fixture
def person(tmp_path: Path, unit: ClusterUnit, capsys: pytest.CaptureFixture[str]) -> Person:
    """Homeostat has applied a Deployment and a Secret from Git."""
    home, clone = tmp_path / "h", tmp_path / "clone"
    create(Home(home), Request(owner="ada", email="ada@example.org", port=0, lab_port=0))

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=clone if clone.exists() else tmp_path, env=GIT, check=True, capture_output=True)

    git("clone", "-q", str(Home(home).repository), str(clone))
    spec = clone / "homeostat.yaml"
    where = {"kubeconfig": str(unit.cluster.kubeconfig()), "namespace": unit.space, "owner": unit.space}
    target = f"  targets:\n    - {{name: prod, kind: kubernetes, settings: {json.dumps(where)}}}\n"
    text = spec.read_text().replace("  targets:\n", target, 1)
    spec.write_text(text.replace("  units:\n", "  units:\n    - {name: web, path: apps/web, target: prod}\n", 1))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": unit.space}}
    (clone / "apps/web").mkdir()
    (clone / PLACE).write_text(json.dumps(unit.deployment()))
    (clone / "apps/web/secret.yaml").write_text(json.dumps({**secret, "stringData": {"password": "hunter22"}}))
    git("add", ".")
    git("commit", "-qm", "The web")
    git("push", "-q")
    made = Person(home, capsys)
    made.run("reconcile")  # the lab is away: its units wait
    return made


def test_what_was_pushed_is_traced_shown_and_compared(person: Person, unit: ClusterUnit) -> None:
    name = f"Deployment.apps/{unit.space}/web"
    found = person.asked("trace", "web:deployment/web")
    assert (found["object"], found["commit"]["subject"]) == (name, "The web")
    assert found["place"].startswith(PLACE)
    bad = node.running(unit, 2)[0]
    node.fail(unit, bad, restartCount=4, **node.waiting("CrashLoopBackOff"), **node.ended(1, "Error"))
    node.warn(unit, bad, "BackOff", "the password is hunter22")
    soon(lambda: "log of web" in person.run("tree", "web")[1], "the tree shows the container")
    code, text = person.run("tree", "web")
    assert code == 1
    assert f"\n      Pod/{unit.space}/{bad['metadata']['name']}  degraded" in text
    assert "BackOff: the password is (hidden)" in text
    assert "hunter22" not in text
    unit.ask(
        "PATCH", f"{unit.deployments}/web?fieldManager=kubectl-edit", {"spec": {"replicas": 3}}, "application/merge-patch+json"
    )
    code, text = person.run("drift", "web")
    assert code == 1
    assert "/spec/replicas  2 -> 3  by kubectl-edit, " in text
    assert "is put back in the next round" in text
    plan = next(u for u in person.asked("plan")["units"] if u["unit"] == "web")
    assert [(s["id"], s["fields"]) for s in plan["steps"]] == [(name, [["/spec/replicas", "3", "2"]])]


def test_waiting_ends_when_the_pods_run(person: Person, unit: ClusterUnit) -> None:
    assert person.run("wait", "web", "--timeout", "30s") == (0, "web: healthy\n")
