"""Adopted files in the whole loop: committed as a unit they are taken over as they are, and are Git's from then on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from adopted_shop import others
from cluster.controlplane import Cluster
from installation import Installation
from kubernetes_boxes import Boxes

pytestmark = pytest.mark.peer


@pytest.fixture
def boxes(site: Installation, api_server: Cluster, namespace: str) -> Boxes:
    return Boxes(site, api_server, namespace)


def live(boxes: Boxes, space: str) -> dict[str, Any]:
    with boxes.cluster.client() as client:
        found: dict[str, Any] = client.get(f"/api/v1/namespaces/{space}/configmaps/settings").raise_for_status().json()
    return found


def test_a_live_namespace_becomes_a_unit_whose_next_plan_is_empty(boxes: Boxes, capsys: pytest.CaptureFixture[str]) -> None:
    space = boxes.space + "-live"
    with boxes.cluster.client() as client:
        client.post("/api/v1/namespaces", json={"metadata": {"name": space}}).raise_for_status()
        for at, manifest in others():
            root, _, plural = at.partition(":")
            client.post(f"{root}/namespaces/{space}/{plural}", json=manifest).raise_for_status()
    before = live(boxes, space)["data"]
    clone = boxes.site.clone
    kubeconfig = str(boxes.cluster.kubeconfig())
    assert boxes.run("adopt", space, "--unit", "live", "--kubeconfig", kubeconfig, "--out", str(clone / "apps/live")) == 0
    unit = "    - {name: live, path: apps/live, target: k, apply: {adopt: true}}\n"
    installation = (clone / "homeostat.yaml").read_text()
    (clone / "homeostat.yaml").write_text(installation.replace(boxes.unit, boxes.unit + unit))
    boxes.push("The shop as it is")
    boxes.site.advance(20)
    assert live(boxes, space)["data"] == before

    settings = boxes.site.home.settings
    settings.write_text(settings.read_text().replace("port: 0", f"port: {boxes.site.lab_url.rsplit(':', 1)[1]}"))
    boxes.site.system.close()
    capsys.readouterr()
    assert boxes.run("--json", "plan") == 0
    steps = {u["unit"]: u["steps"] for u in json.loads(capsys.readouterr().out)["units"] if u["target"] == "k"}
    assert steps == {"boxes": [], "live": []}
