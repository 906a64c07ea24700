"""homeostat.yaml while the loop runs: what a commit adds takes effect, what it drops is told and never pruned in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installation import installation

from reconciler.errors import Tampered
from reconciler.model.home import Home

FILE = "homeostat.yaml"
EDGE = "    - name: edge\n      path: apps/edge\n      target: lab\n"
FOLDER = "      kind: lab\n    - name: folder\n      kind: directory\n      settings:\n        path: rendered\n"


def test_a_target_that_a_commit_adds_is_connected_and_applied_to(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.push({FILE: ("      kind: lab\n", FOLDER)}, "A folder, too")
        site.settle()
        site.push({FILE: (EDGE, EDGE.replace("target: lab", "target: folder"))}, "The edge goes there")
        site.advance(10)

        assert "folder" in site.system.world.targets
        assert sorted(p.stem for p in (site.home.root / "rendered").rglob("gateway*")), list(
            (site.home.root / "rendered").rglob("*")
        )


def test_a_source_that_a_commit_alters_is_scraped_from_then_on(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        dead = "  sources:\n    - name: lab\n      url: http://127.0.0.1:9/metrics\n"
        site.push({FILE: ("  sources:\n    - name: lab\n", dead)}, "Somewhere else")
        site.advance(10)
        assert any("did not answer" in fault for fault in site.system.world.scraper.faults)

        site.git_revert(site.head())
        site.advance(10)
        assert site.system.world.scraper.faults == ()


def test_a_unit_that_a_commit_drops_is_told_and_its_objects_stay(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.push({FILE: (EDGE, "")}, "No edge")
        site.settle()

        assert "gateway" in site.lab("/state")["services"]
        assert any("unit edge is still on a target" in page["title"] for page in site.pages()), site.pages()


@pytest.mark.parametrize("name", ["root", "repository", "branch"])
def test_what_init_pinned_cannot_be_altered_beside_the_keys(tmp_path: Path, name: str) -> None:
    def tamper(home: Home) -> None:
        pinned = json.loads(home.pinned.read_text())
        home.pinned.write_text(json.dumps(pinned | {name: "0" * 40}))

    with pytest.raises(Tampered), installation(tmp_path, change=tamper):
        pass
