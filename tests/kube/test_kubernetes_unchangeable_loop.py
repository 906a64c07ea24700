"""A commit that changes what the API server lets nobody change ends as a pull request that undoes it and names the other way."""

from __future__ import annotations

import json
import time

import pytest
from cluster.controlplane import Cluster
from installation import Installation

pytestmark = pytest.mark.peer
FILE = "apps/frozen/frozen.yaml"
FROZEN = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: frozen
  namespace: {space}
immutable: true
data:
  color: red
"""


def test_it_is_undone_by_a_pull_request_that_says_how_it_could_be_done(
    site: Installation, api_server: Cluster, namespace: str
) -> None:
    site.allow_everything("review")
    settings = f"{{kubeconfig: {api_server.kubeconfig()}, owner: {namespace}, namespace: {namespace}}}"
    said = (site.clone / "homeostat.yaml").read_text()
    said = said.replace("  sources:\n", f"    - {{name: prod, kind: kubernetes, settings: {settings}}}\n  sources:\n")
    said = said.replace("  grouping:\n", "    - {name: frozen, path: apps/frozen, target: prod}\n  grouping:\n")
    (site.clone / "homeostat.yaml").write_text(said)
    (site.clone / FILE).parent.mkdir()
    (site.clone / FILE).write_text(FROZEN.format(space=namespace))
    site.git("add", "-A")
    site.git("commit", "-qm", "A frozen setting")
    site.git("push", "-q")
    site.settle()
    with api_server.client() as client:
        path = f"/api/v1/namespaces/{namespace}/configmaps/frozen"
        made = client.get(path).raise_for_status().json()
        site.advance(60)
        changed = site.push({FILE: ("red", "green")}, "Paint it green")
        site.settle()
        deadline = time.monotonic() + 90
        while not site.pulls("open") and time.monotonic() < deadline:
            site.advance(5)
        (pull,) = site.pulls("open")
        assert client.get(path).raise_for_status().json()["metadata"]["uid"] == made["metadata"]["uid"]
    (proposed,) = [p["proposal"] for p in site.payloads("proposal")][:1]
    assert proposed["playbook"] == "cluster-unchangeable"
    assert changed in json.dumps(proposed)
    assert f'homeostat.dev/replace: "{made["metadata"]["uid"]}"' in " ".join(pull.narrative.evidence)
