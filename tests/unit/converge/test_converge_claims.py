"""Claims of a round before are good for the next one only while nothing that they came from is another."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.converge.claims import ClaimBook, Claims, claim
from reconciler.converge.render import RenderedUnit
from reconciler.model.revisions import DesiredObject, Rendered

INDEX = object()


def rendered(unit: str, *ids: str) -> RenderedUnit:
    return RenderedUnit(Rendered(unit, "k", "tree", tuple(DesiredObject(i, unit, {}, "f.yaml", "d") for i in ids)))


RENDERS = {"shop": rendered("shop", "ConfigMap/a"), "edge": rendered("edge", "ConfigMap/b")}
MINE = {"ConfigMap/a": "shop"}


class Asking:
    """Claims as a round asks for them, and how often they were made."""

    def __init__(self) -> None:
        self.book, self.made, self.told = ClaimBook(), 0, ""

    def claims(self, renders: Mapping[str, RenderedUnit], inventory: Mapping[str, str], index: object = INDEX) -> Claims:
        def make() -> Claims:
            self.made += 1
            return claim(renders, inventory, lambda _: None, lambda _: self.told, lambda *_: "")

        return self.book.of("k", index, dict(renders), dict(inventory), make)


@pytest.fixture
def asking() -> Asking:
    asking = Asking()
    asking.claims(RENDERS, MINE)
    return asking


def test_they_are_kept_while_nothing_is_another(asking: Asking) -> None:
    assert asking.claims(RENDERS, MINE).wanted == {"ConfigMap/a": "shop", "ConfigMap/b": "edge"}
    assert asking.made == 1


def test_an_object_that_is_another_units_now_is_claimed_anew(asking: Asking) -> None:
    asking.told = "suspended by ada"
    assert "shop" in asking.claims(RENDERS, {"ConfigMap/a": "other"}).errors


def test_another_render_is_claimed_anew(asking: Asking) -> None:
    both = {"shop": RENDERS["shop"], "edge": rendered("edge", "ConfigMap/a")}
    assert "edge" in asking.claims(both, MINE).errors


def test_a_unit_that_left_the_round_claims_nothing(asking: Asking) -> None:
    assert asking.claims({"shop": RENDERS["shop"]}, MINE).wanted == {"ConfigMap/a": "shop"}


def test_another_installation_may_confine_other_units(asking: Asking) -> None:
    asking.claims(RENDERS, MINE, object())
    assert asking.made == 2


def test_what_somebody_else_holds_is_asked_about_each_time_because_he_may_be_suspended_meanwhile(asking: Asking) -> None:
    others = {"ConfigMap/a": "other"}
    assert asking.claims(RENDERS, others).errors == {}
    asking.told = "suspended by ada"
    assert "shop" in asking.claims(RENDERS, others).errors
