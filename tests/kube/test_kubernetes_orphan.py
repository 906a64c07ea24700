"""Orphan: what Git no longer declares is given up, stays exactly as it is, and is nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster.controlplane import Cluster
from installation import Installation
from kubernetes_boxes import Boxes

pytestmark = pytest.mark.peer


@pytest.fixture
def boxes(site: Installation, api_server: Cluster, namespace: str) -> Boxes:
    return Boxes(site, api_server, namespace)


def test_what_git_declares_is_not_given_up_and_the_way_is_told(boxes: Boxes, capsys: pytest.CaptureFixture[str]) -> None:
    assert boxes.run("orphan", "boxes", "--yes") == 1
    assert "unit boxes is still in homeostat.yaml" in capsys.readouterr().err
    assert boxes.run("orphan", f"ConfigMap/{boxes.space}/one", "--yes") == 1
    said = capsys.readouterr().err
    assert "apps/boxes/one.yaml:1:1" in said
    assert "homeostat.dev/prune: never" in said
    assert boxes.ours("one")


def test_a_commit_that_is_not_followed_yet_gives_nothing_up(boxes: Boxes, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever still converges the revision before would take the objects again."""
    applied = boxes.site.head()[:12]
    boxes.without_the_unit(followed=False)
    assert boxes.run("orphan", "boxes", "--yes") == 1
    assert f"still in homeostat.yaml at {applied}" in capsys.readouterr().err
    assert boxes.ours("one")


def test_a_unit_is_rehearsed_then_given_up_whole_and_on_record(boxes: Boxes, capsys: pytest.CaptureFixture[str]) -> None:
    boxes.without_the_unit()
    assert boxes.run("orphan", "boxes") == 0
    assert "nothing was done yet" in capsys.readouterr().out
    assert boxes.ours("one")
    before = boxes.get("one")
    assert boxes.run("orphan", "boxes", "--yes") == 0
    after = boxes.get("one")
    assert not boxes.ours("one")
    assert not boxes.ours("two")
    assert (after["data"], after["metadata"]["uid"]) == (before["data"], before["metadata"]["uid"])
    assert boxes.get("homeostat-unit-boxes") == {}
    (said,) = [p for p in boxes.site.payloads("configured") if "orphaned" in p]
    assert (said["unit"], said["count"], said["by"]) == ("boxes", 2, "ada")
    assert boxes.run("orphan", "boxes") == 1
    assert "holds nothing of unit boxes" in capsys.readouterr().err


def test_one_object_leaves_by_the_way_that_is_told(boxes: Boxes) -> None:
    boxes.site.pull()
    path: Path = boxes.site.clone / "apps/boxes/one.yaml"
    path.write_text(path.read_text().replace("\ndata:", "\n  annotations: {homeostat.dev/prune: never}\ndata:"))
    boxes.push("Keep it")
    path.unlink()
    boxes.push("No longer ours")
    assert boxes.get("one")["data"] == {"a": "1"}
    assert boxes.run("orphan", f"ConfigMap/{boxes.space}/one", "--yes") == 0
    assert "homeostat.dev/owner" not in str(boxes.get("one")["metadata"])
    boxes.site.advance(120)
    boxes.site.restart()
    boxes.site.advance(60)
    assert boxes.get("one")["data"] == {"a": "1"}
    assert boxes.ours("two")


def test_whoever_applies_it_next_has_no_conflict_with_us(boxes: Boxes) -> None:
    """Other values than those that are there are a conflict with nobody in particular, as with any object nobody applied."""
    boxes.without_the_unit()
    assert boxes.run("orphan", "boxes", "--yes") == 0
    path = f"/api/v1/namespaces/{boxes.space}/configmaps/one?fieldManager=somebody"
    kind = {"Content-Type": "application/apply-patch+yaml"}

    def apply(value: str) -> str:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": value}}
        with boxes.cluster.client() as client:
            answer = client.patch(path, json=body, headers=kind)
        return "" if answer.status_code == 200 else answer.text

    assert "homeostat" not in apply("2")
    assert apply("1") == ""


def test_what_is_not_ours_is_refused(boxes: Boxes, capsys: pytest.CaptureFixture[str]) -> None:
    with boxes.cluster.client() as client:
        body = {"metadata": {"name": "theirs"}, "data": {"a": "1"}}
        client.post(f"/api/v1/namespaces/{boxes.space}/configmaps", json=body).raise_for_status()
    assert boxes.run("orphan", f"ConfigMap/{boxes.space}/theirs", "--yes") == 1
    assert "is not managed by Homeostat" in capsys.readouterr().err
    assert boxes.run("orphan", "Nonsense/x/y") == 1
    assert "the cluster knows no Nonsense/x/y" in capsys.readouterr().err
