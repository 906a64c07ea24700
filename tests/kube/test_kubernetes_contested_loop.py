"""A field that Git names and somebody else writes ends as a pull request: a person who merges it says whose the field is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from cluster.controlplane import Cluster
from installation import Installation

from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.commands import reviews
from reconciler.replay import replay

pytestmark = pytest.mark.peer
RULE = '{owner: theirs, kind: ConfigMap, name: shared, path: "/data/color", manager: reloader}'
SHARED = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: shared
  namespace: {space}
data:
  color: red
  size: large
"""


def test_a_person_gives_it_away_by_merging_a_pull_request_that_the_machine_may_not_merge(
    site: Installation, api_server: Cluster, namespace: str
) -> None:
    with api_server.client() as client:
        theirs = {"metadata": {"name": "shared"}, "data": {"color": "green"}}
        configs = f"/api/v1/namespaces/{namespace}/configmaps"
        client.post(f"{configs}?fieldManager=reloader", json=theirs).raise_for_status()
        site.allow_everything("autonomous")
        converge_shared(site, api_server, namespace)
        (site.clone / "apps/shared").mkdir()
        (site.clone / "apps/shared/shared.yaml").write_text(SHARED.format(space=namespace))
        site.git("add", "-A")
        site.git("commit", "-qm", "A setting that somebody else has made, too")
        site.git("push", "-q")
        site.settle()
        until(site, lambda: site.pulls("open"))
        (pull,) = site.pulls("open")
        site.advance(60)
        assert [p.state.value for p in site.pulls()] == ["open"]  # in no mode is it the machine's to merge
        assert client.get(f"{configs}/shared").json()["data"] == {"color": "green"}
        assert "apply.adopt" in " ".join(pull.narrative.evidence)

        merge(site, pull.number)
        until(site, lambda: client.get(f"{configs}/shared").json()["data"].get("size"))
        assert client.get(f"{configs}/shared").json()["data"] == {"color": "green", "size": "large"}
    assert RULE in site.file("homeostat.yaml")
    assert [p.merged_by for p in site.pulls("merged")] == ["ada"]
    until(site, lambda: not site.cases(open_only=True))
    assert not site.system.world.targets["prod"].troubles({"shared"})
    assert [(stage, reason) for stage, reason, _ in site.story()] == [("done", "better")]
    incident = str(site.payloads("proposal")[0]["proposal"]["incident"])
    assert all(again.same for again in replay(site.system.world.repo, site.system.world.log, incident))


def converge_shared(site: Installation, api_server: Cluster, namespace: str) -> None:
    settings = f"{{kubeconfig: {api_server.kubeconfig()}, owner: {namespace}, namespace: {namespace}}}"
    said = (site.clone / "homeostat.yaml").read_text()
    said = said.replace("  sources:\n", f"    - {{name: prod, kind: kubernetes, settings: {settings}}}\n  sources:\n")
    said = said.replace("  grouping:\n", "    - name: shared\n      path: apps/shared\n      target: prod\n  grouping:\n")
    (site.clone / "homeostat.yaml").write_text(said)


def merge(site: Installation, number: int) -> None:
    reviews.merge(site.system.world, FileSigner(site.home.key("review"), "review"), site.person(), number)


def until(site: Installation, fact: Callable[[], Any]) -> None:
    """The cluster takes its own time, the installation its clock's."""
    deadline = time.monotonic() + 60
    while not fact() and time.monotonic() < deadline:
        site.advance(5)
    assert fact(), site.story()
