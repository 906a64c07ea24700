"""Units on the operator's page: what is not well, what differs, and what would be changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Door, said, served
from installation import CHECKOUT, GOOD, Installation, installation

from reconciler.adapters.targets.lab import LabTarget
from reconciler.errors import Retryable
from reconciler.model.revisions import HealthState
from reconciler.model.trees import Branch, Happening, LogTail, Tree

HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Door]]:
    folder: Path = tmp_path_factory.mktemp("units")
    with installation(folder) as site, served(site) as door:
        yield site, door


def test_every_unit_is_listed_with_its_health_and_last_apply(shop: tuple[Installation, Door]) -> None:
    ada = shop[1].browser().login()
    answer = ada.get("/units")
    assert answer.status_code == 200
    assert 'href="/units/shop"' in answer.text
    assert "correct" in said(answer)


def test_a_unit_shows_its_objects_and_that_nothing_differs(shop: tuple[Installation, Door]) -> None:
    text = said(shop[1].browser().login().get("/units/shop?all=1"))
    assert "Service/checkout" in text
    assert "What differs from Git" in text


def test_a_hand_edit_and_the_plan_are_shown_field_by_field(shop: tuple[Installation, Door]) -> None:
    site, door = shop
    site.fault(kind="hand-edit", id="Service/cart", set={"replicas": 1})
    site.push({CHECKOUT: (GOOD, "1.4.3")})
    text = said(door.browser().login().get("/units/shop?plan=1"))
    assert "Fields of Service/cart" in text
    assert "Is put back in the next round." in text
    assert "update Service/checkout" in text
    assert "1.4.3" in text


def test_a_unit_that_nobody_declared_is_told(shop: tuple[Installation, Door]) -> None:
    answer = shop[1].browser().login().get("/units/nothing")
    assert answer.status_code == 409
    assert "names no unit" in said(answer)


def test_units_are_for_those_who_are_logged_in(shop: tuple[Installation, Door]) -> None:
    assert shop[1].browser().get("/units/shop").status_code == 401


def test_a_target_that_cannot_be_asked_is_told_in_its_place(
    shop: tuple[Installation, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Retryable("the lab is away")

    monkeypatch.setattr(LabTarget, "health", away)
    ada = shop[1].browser().login()
    for path in ("/units", "/units/shop"):
        answer = ada.get(path)
        assert answer.status_code == 200
        assert "the lab is away" in said(answer)


def test_what_a_program_wrote_stays_text(shop: tuple[Installation, Door], monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogTail("web", previous=True, lines=(HOSTILE,))
    pod = Branch("Pod/shop/web", HealthState.DEGRADED, HOSTILE, events=(Happening(0, "BackOff", HOSTILE),), logs=(log,))
    found = Tree("shop", "lab", (Branch("Deployment.apps/shop/web", HealthState.DEGRADED, below=(pod,), folded=2),), 3)
    monkeypatch.setattr("reconciler.steps.looking.tree", lambda *_, **__: found)
    answer = shop[1].browser().login().get("/units/shop")
    assert "<script" not in answer.text
    assert "\u202e" not in answer.text
    assert "log of web, before it ended last" in said(answer)
