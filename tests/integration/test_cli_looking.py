"""Verbs that look at a living installation and change nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from installation import Installation

from reconciler.cli import main
from reconciler.steps import looking


def run(site: Installation, *arguments: str) -> int:
    lab = site.home.settings.read_text().replace("port: 0", f"port: {site.lab_url.rsplit(':', 1)[1]}")
    site.home.settings.write_text(lab)
    return main(["--home", str(site.home.root), *arguments])


def asked(site: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    run(site, "--json", *arguments)
    return json.loads(capsys.readouterr().out)


def test_a_target_without_a_tree_shows_its_objects_as_a_list(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    (shop,) = asked(site, capsys, "tree", "shop", "--all")["units"]
    states = {branch["id"]: branch["state"] for branch in shop["branches"]}
    assert {health.id: health.state.value for health in site.system.world.targets["lab"].health("shop")} == states
    assert run(site, "tree", "shop") == (0 if set(states.values()) == {"healthy"} else 1)
    assert capsys.readouterr().out.startswith("shop on lab\n")


def test_a_unit_that_nobody_declared_is_refused_with_the_nearest_name(
    site: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(site, "tree", "shpo") == 1
    assert "did you mean 'shop'?" in capsys.readouterr().err


def test_what_a_cluster_says_is_hidden_whole_while_a_unit_does_not_render(site: Installation) -> None:
    world = site.system.world
    rules = world.standing()
    unit = rules.index.by_name["shop"]
    assert looking.hiding(world, rules, unit)("password is x") == "password is x"
    broken = unit.model_copy(update={"path": "apps/nothing"})
    assert looking.hiding(world, rules, broken)("password is x") == "(hidden)"
