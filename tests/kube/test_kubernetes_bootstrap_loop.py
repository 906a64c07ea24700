"""Homeostat puts itself into a cluster: a person's installation applies it as a unit, then the account that it made goes on."""

from __future__ import annotations

import pytest
from cluster.controlplane import Cluster
from installation import Installation
from kubernetes_boxes import Boxes

pytestmark = pytest.mark.peer
UNIT = "    - name: homeostat\n      path: apps/homeostat\n      target: k\n      pruneBudget: 0\n"


@pytest.fixture
def boxes(site: Installation, api_server: Cluster, namespace: str) -> Boxes:
    return Boxes(site, api_server, namespace)


def generate(boxes: Boxes) -> dict[str, bytes]:
    out = boxes.site.clone / "apps" / "homeostat"
    assert boxes.run("bootstrap", "--target", "k", "--out", str(out), "--overwrite") == 0
    return {file.name: file.read_bytes() for file in out.iterdir()}


def edit(boxes: Boxes, old: str, new: str) -> None:
    path = boxes.site.clone / "homeostat.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def token(boxes: Boxes) -> str:
    path = f"/api/v1/namespaces/{boxes.space}/serviceaccounts/{boxes.space}/token"
    with boxes.cluster.client() as client:
        answer = client.post(path, json={"spec": {"expirationSeconds": 3600}})
    found: str = answer.raise_for_status().json()["status"]["token"]
    return found


def test_installed_by_a_unit_it_goes_on_as_its_own_account(boxes: Boxes) -> None:
    before = generate(boxes)
    edit(boxes, boxes.unit, boxes.unit + UNIT)
    boxes.push("Homeostat itself")
    after = generate(boxes)  # its own objects are a unit's by now, and need rights too
    assert {name for name in before if before[name] != after[name]} == {
        f"clusterrole_{boxes.space}.yaml", f"role_{boxes.space}_{boxes.space}.yaml",
    }  # fmt: skip
    boxes.push("Its rights, for itself as well")
    assert generate(boxes) == after

    boxes.cluster.tokens[boxes.space] = token(boxes)
    edit(boxes, str(boxes.cluster.kubeconfig()), str(boxes.cluster.kubeconfig(boxes.space)))
    boxes.push("As its own account")
    boxes.edit("one", "by hand")
    (boxes.site.clone / "apps/boxes/two.yaml").unlink()
    boxes.write("three")
    boxes.push("One leaves, one comes")
    boxes.site.advance(20)
    assert boxes.get("one")["data"] == boxes.get("three")["data"] == {"a": "1"}
    assert boxes.get("two") == {}
    applied = {p["unit"]: (p["reason"], p["results"]) for p in boxes.site.payloads("apply") if p["target"] == "k"}
    assert {unit: reason for unit, (reason, _) in applied.items()} == {"boxes": "applied", "homeostat": "applied"}
    assert boxes.site.system.world.cursor.pending == frozenset()

    path = boxes.site.clone / "apps/boxes/three.yaml"
    path.write_text(path.read_text().replace(f"namespace: {boxes.space}", "namespace: default"))
    boxes.push("Into a namespace that no unit had")
    (told,) = [r["detail"] for r in boxes.site.payloads("apply")[-1]["results"] if not r["ok"]]
    assert f'User "system:serviceaccount:{boxes.space}:{boxes.space}" cannot patch resource "configmaps"' in told
    assert 'in the namespace "default"' in told
