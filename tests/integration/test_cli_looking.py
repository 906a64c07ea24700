"""Verbs that look at a living installation and change nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from installation import Installation

from reconciler.cli import main
from reconciler.commands import brakes
from reconciler.converge.fights import MOST
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


def test_a_hand_edit_is_told_with_what_will_be_done_about_it(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "drift") == 0
    assert "nothing differs in" in capsys.readouterr().out
    site.fault(kind="hand-edit", id="Service/cart", set={"replicas": 1})
    assert run(site, "drift", "shop") == 1
    text = capsys.readouterr().out
    assert "2 -> 1" in text
    assert "is put back in the next round" in text


def test_drift_that_is_left_alone_says_why(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    brakes.put_on(site.system.world, site.person(), "looking at it", 3_600_000)
    site.system.world.publish()
    site.fault(kind="hand-delete", id="Service/cart")
    (shop,) = asked(site, capsys, "drift", "shop")["units"]
    assert [(d["id"], d["gone"]) for d in shop["differences"]] == [("Service/cart", True)]
    assert shop["left"][0][1].startswith("a brake stops drift correction: looking at it; homeostat brake off ")


def test_an_object_that_is_fought_over_is_told_as_left_alone(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(MOST + 2):
        site.fault(kind="hand-edit", id="Service/cart", set={"replicas": 1})
        site.advance(5)
    (shop,) = asked(site, capsys, "drift", "shop")["units"]
    assert "put back again and again" in shop["left"][0][1]
