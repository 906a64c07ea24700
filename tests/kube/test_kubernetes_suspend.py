"""A suspended unit on a real cluster: its drift stays, its files are not applied, nothing of it is deleted."""

from __future__ import annotations

import pytest
from cluster.controlplane import Cluster
from installation import Installation
from kubernetes_boxes import Boxes

pytestmark = pytest.mark.peer


@pytest.fixture
def boxes(site: Installation, api_server: Cluster, namespace: str) -> Boxes:
    return Boxes(site, api_server, namespace)


def test_by_hand_edits_stay_new_files_wait_and_removed_ones_are_kept_until_it_is_resumed(boxes: Boxes) -> None:
    assert boxes.run("suspend", "boxes", "--reason", "moving the database", "--until", "2h") == 0
    boxes.edit("one", "mine")
    (boxes.site.clone / "apps/boxes/two.yaml").unlink()
    boxes.write("three")
    boxes.push("One leaves, one comes")
    boxes.site.restart()
    boxes.site.advance(90)
    assert (boxes.get("one")["data"], boxes.get("two")["data"], boxes.get("three")) == ({"a": "mine"}, {"a": "1"}, {})
    assert boxes.run("resume", "boxes") == 0
    boxes.site.advance(30)
    assert (boxes.get("one")["data"], boxes.get("two"), boxes.get("three")["data"]) == ({"a": "1"}, {}, {"a": "1"})
