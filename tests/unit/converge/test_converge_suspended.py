"""A suspended unit in a round: nothing is done to what it holds, by itself or by a unit that would take it over."""

from collections.abc import Callable

import pytest
from converge_history import History, service, unit

from reconciler.converge.rounds import Converger, Round, nobody
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import ConvergeResult
from reconciler.documents.installation import Unit
from reconciler.model.reasons import Reason
from reconciler.testing.targets import FakeTarget

FILES = {"apps/shop/a.yaml": service("a"), "apps/shop/b.yaml": service("b"), "apps/edge/g.yaml": service("g")}


def shop(name: str) -> str:
    return "suspended by ada: a move" if name == "shop" else ""


class Two:
    """Units shop and edge on one fake target."""

    def __init__(self, history: History, units: tuple[Unit, ...] = (unit("shop"), unit("edge"))) -> None:
        self.history, self.index, self.target = history, UnitIndex.of(units), FakeTarget("lab")
        self.converger = Converger(history.repo, {"lab": self.target})
        self.generation = 0
        history.commit(FILES)
        self.round(nobody)

    def round(self, suspended: Callable[[str], str], *, dry_run: bool = False) -> ConvergeResult:
        self.generation += 1
        ask = Round(self.index, self.history.head, "", self.generation, 0, dry_run=dry_run, suspended=suspended)
        return self.converger.converge(ask)

    @property
    def live(self) -> dict[str, str]:
        return {i: o.unit for i, o in sorted(self.target.objects.items())}


@pytest.fixture
def two(history: History) -> Two:
    return Two(history)


def test_it_is_neither_asked_nor_touched_and_looked_at_again(two: Two) -> None:
    two.history.commit({"apps/shop/a.yaml": service("a", 9), "apps/shop/b.yaml": None})
    applied = len(two.target.applied)
    result = two.round(shop)
    assert {p.unit for p in two.target.applied[applied:]} == {"edge"}
    assert result.pending == {"shop"}
    assert two.live["Service/b"] == "shop"


def test_a_plan_shows_what_would_be_done_and_that_it_is_not(two: Two) -> None:
    two.history.commit({"apps/shop/a.yaml": service("a", 9)})
    outcome = two.round(shop, dry_run=True).outcome("shop")
    assert outcome is not None
    assert outcome.plan is not None
    assert (outcome.reason, [s.id for s in outcome.plan.steps]) == (Reason.SUSPENDED, ["Service/a"])


def test_another_unit_does_not_take_over_what_it_holds(two: Two) -> None:
    two.history.commit({"apps/shop/a.yaml": None, "apps/edge/a.yaml": service("a", 9)})
    outcome = two.round(shop).outcome("edge")
    assert outcome is not None
    assert outcome.detail.endswith("Service/a belongs to unit shop, which is suspended by ada: a move")
    assert two.live["Service/a"] == "shop"
    two.round(nobody)
    assert two.live["Service/a"] == "edge"


def test_a_unit_that_depends_on_it_waits_and_says_for_what(history: History) -> None:
    two = Two(history, (unit("shop"), unit("edge", dependsOn=["shop"])))
    outcome = two.round(shop).outcome("edge")
    assert outcome is not None
    assert (outcome.reason, outcome.detail) == (Reason.BLOCKED, "waits for unit shop: suspended by ada: a move")


def test_a_suspension_counts_in_a_round_that_has_begun(two: Two) -> None:
    """Asked before each unit, not once."""
    asked: list[str] = []

    def begun(name: str) -> str:
        asked.append(name)
        return shop(name) if asked.count("edge") else ""

    two.index = UnitIndex.of([unit("edge"), unit("shop", dependsOn=["edge"])])
    assert [o.reason for o in two.round(begun).outcomes] == [Reason.OK, Reason.SUSPENDED]
