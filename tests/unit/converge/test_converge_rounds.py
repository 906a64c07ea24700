"""One round: who is looked at, in which order, what is refused, and what goes on when something fails."""

from collections.abc import Mapping, Sequence

import pytest
from converge_history import History, service, unit

from reconciler.converge.fights import MOST
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import ConvergeResult
from reconciler.documents.installation import Unit
from reconciler.model.reasons import Reason
from reconciler.model.signals import Severity
from reconciler.testing.targets import FakeTarget


class Fleet:
    """Units on one fake target, and the revision and pending set that a pipeline would remember."""

    def __init__(self, history: History, units: Sequence[Unit]) -> None:
        self.history = history
        self.index = UnitIndex.of(units)
        self.target = FakeTarget("lab")
        self.converger = Converger(history.repo, {"lab": self.target})
        self.applied, self.generation, self.pending = "", 0, frozenset[str]()

    def commit(self, files: Mapping[str, bytes | None]) -> None:
        self.history.commit(files)

    def round(
        self, *, braked: bool = False, drifted: Sequence[str] = (), now_ms: int = 0, dry_run: bool = False
    ) -> ConvergeResult:
        ask = Round(
            self.index,
            self.history.head,
            self.applied,
            self.generation + 1,
            now_ms,
            self.pending,
            frozenset(drifted),
            braked,
            dry_run,
        )
        self.target.calls.clear()
        result = self.converger.converge(ask)
        if not dry_run:
            self.applied, self.generation, self.pending = ask.revision, ask.generation, result.pending
        return result

    def drift(self, now_ms: int = 0) -> object:
        return self.converger.drift(self.index, self.applied, list(self.index.by_name), now_ms)

    @property
    def live(self) -> dict[str, str]:
        return {i: o.unit for i, o in sorted(self.target.objects.items())}


def reasons(result: ConvergeResult) -> dict[str, Reason]:
    return {o.unit: o.reason for o in result.outcomes}


SHOP = {"apps/shop/a.yaml": service("a"), "apps/shop/b.yaml": service("b")}
EDGE = {"apps/edge/g.yaml": service("g")}


@pytest.fixture
def fleet(history: History) -> Fleet:
    fleet = Fleet(history, [unit("shop"), unit("edge")])
    fleet.commit({**SHOP, **EDGE})
    assert reasons(fleet.round()) == {"shop": Reason.APPLIED, "edge": Reason.APPLIED}
    return fleet


class TestLookingOnlyWhereNeeded:
    def test_a_commit_outside_every_unit_asks_no_target(self, fleet: Fleet) -> None:
        fleet.commit({"docs/x.md": b"1", "apps/README.md": b"1"})
        result = fleet.round()
        assert (result.outcomes, result.renders, fleet.target.calls) == ((), 0, [])

    def test_only_the_touched_unit_is_looked_at(self, fleet: Fleet) -> None:
        fleet.commit({"apps/edge/g.yaml": service("g", 2)})
        result = fleet.round()
        assert reasons(result) == {"edge": Reason.APPLIED}
        assert result.renders == 1

    def test_homeostat_yaml_makes_every_unit_worth_a_look(self, fleet: Fleet) -> None:
        fleet.commit({"homeostat.yaml": b"1"})
        assert reasons(fleet.round()) == {"shop": Reason.OK, "edge": Reason.OK}

    def test_a_failed_unit_is_looked_at_again_without_a_new_commit(self, fleet: Fleet) -> None:
        fleet.target.refuse.add("Service/g")
        fleet.commit({"apps/edge/g.yaml": service("g", 2)})
        assert reasons(fleet.round()) == {"edge": Reason.ERROR}
        fleet.target.refuse.clear()
        assert reasons(fleet.round()) == {"edge": Reason.APPLIED}
        assert fleet.round().outcomes == ()

    def test_a_merge_that_drops_the_other_side_is_noticed(self, fleet: Fleet) -> None:
        base = fleet.history.head
        kept = fleet.history.commit({"docs/x": b"1"})
        dropped = fleet.history.commit({"apps/edge/g.yaml": service("g", 9)}, base=base)
        fleet.round()
        fleet.applied = dropped
        fleet.history.commit({"docs/y": b"1"}, base=kept, also=[dropped])  # "ours": the first parent never had replicas 9
        assert "edge" in reasons(fleet.round())

    def test_a_commit_that_was_taken_back_in_between_still_moves_the_fence(self, fleet: Fleet) -> None:
        """A worker that was delayed with the plan of the commit in between must find it stale (S11)."""
        fleet.commit({"apps/edge/g.yaml": service("g", 9)})
        between = fleet.converger.converge(Round(fleet.index, fleet.history.head, fleet.applied, 2, 0, dry_run=True))
        fleet.generation = 2
        fleet.commit(EDGE)
        assert reasons(fleet.round()) == {"edge": Reason.OK}
        delayed = between.outcome("edge")
        assert delayed is not None
        assert delayed.plan is not None
        assert fleet.target.apply(delayed.plan).reason == Reason.STALE_PLAN


class TestOrder:
    def test_dependencies_are_applied_first(self, history: History) -> None:
        fleet = Fleet(history, [unit("shop", dependsOn=["edge", "data"]), unit("edge"), unit("data", dependsOn=["edge"])])
        fleet.commit({**SHOP, **EDGE, "apps/data/d.yaml": service("d")})
        fleet.round()
        assert [p.unit for p in fleet.target.applied] == ["edge", "data", "shop"]

    def test_a_unit_waits_for_its_failed_dependency_and_others_go_on(self, history: History) -> None:
        fleet = Fleet(history, [unit("shop", dependsOn=["edge"]), unit("edge"), unit("data")])
        fleet.commit({**SHOP, "apps/edge/g.yaml": b"a: [", "apps/data/d.yaml": service("d")})
        result = fleet.round()
        assert reasons(result) == {"edge": Reason.INVALID, "shop": Reason.BLOCKED, "data": Reason.APPLIED}
        fleet.commit(EDGE)
        assert reasons(fleet.round()) == {"edge": Reason.APPLIED, "shop": Reason.APPLIED}

    def test_waiting_goes_down_the_whole_chain(self, history: History) -> None:
        fleet = Fleet(history, [unit("shop", dependsOn=["data"]), unit("data", dependsOn=["edge"]), unit("edge")])
        fleet.commit({**SHOP, "apps/data/d.yaml": service("d")})
        assert reasons(fleet.round()) == {"edge": Reason.EMPTY_RESULT, "data": Reason.BLOCKED, "shop": Reason.BLOCKED}

    def test_all_errors_of_a_round_are_told(self, history: History) -> None:
        fleet = Fleet(history, [unit("shop"), unit("edge")])
        fleet.commit({"apps/shop/a.yaml": b"[", "apps/edge/g.yaml": service("g")})
        fleet.target.refuse.add("Service/g")
        assert reasons(fleet.round()) == {"shop": Reason.INVALID, "edge": Reason.ERROR}

    def test_a_target_that_does_not_answer_is_an_error_and_tried_again(self, fleet: Fleet) -> None:
        fleet.target.broken = True
        fleet.commit({"apps/edge/g.yaml": service("g", 2)})
        result = fleet.round()
        assert reasons(result) == {"edge": Reason.ERROR}
        assert "does not answer" in result.faults[0]
        fleet.target.broken = False
        assert reasons(fleet.round()) == {"edge": Reason.APPLIED}

    def test_a_target_that_is_not_set_up_is_named(self, history: History) -> None:
        fleet = Fleet(history, [unit("shop", target="moon")])
        fleet.commit(SHOP)
        assert "moon" in fleet.round().outcomes[0].detail


class TestLastGoodState:
    def test_a_unit_that_does_not_render_keeps_what_is_live(self, fleet: Fleet) -> None:
        before = fleet.target.observe("shop")
        fleet.commit({"apps/shop/a.yaml": b"replicas: [", "apps/shop/b.yaml": None})
        assert reasons(fleet.round()) == {"shop": Reason.INVALID}
        assert fleet.target.observe("shop") == before

    @pytest.mark.parametrize("files", [{"apps/shop/a.yaml": None, "apps/shop/b.yaml": None, "apps/shop/README": b"x"}, None])
    def test_a_unit_that_renders_to_nothing_deletes_nothing(self, fleet: Fleet, files: Mapping[str, None] | None) -> None:
        fleet.commit(files or dict.fromkeys(SHOP))
        assert reasons(fleet.round()) == {"shop": Reason.EMPTY_RESULT}
        assert {"Service/a", "Service/b"} <= set(fleet.live)

    def test_a_person_can_allow_the_empty_result(self, fleet: Fleet) -> None:
        fleet.index = UnitIndex.of([unit("shop", allowEmpty=True), unit("edge")])
        fleet.commit(dict.fromkeys(SHOP))
        assert reasons(fleet.round()) == {"shop": Reason.APPLIED}
        assert fleet.live == {"Service/g": "edge"}

    def test_more_deletions_than_the_budget_refuse_the_whole_plan(self, fleet: Fleet) -> None:
        fleet.index = UnitIndex.of([unit("shop", pruneBudget=0), unit("edge")])
        fleet.commit({"apps/shop/a.yaml": None, "apps/shop/b.yaml": service("b", 7)})
        result = fleet.round()
        assert reasons(result) == {"shop": Reason.PRUNE_BUDGET}
        assert "Service/a" in result.outcomes[0].detail
        assert fleet.target.objects["Service/b"].body == {"replicas": 1}

    def test_deletions_within_the_budget_are_done(self, fleet: Fleet) -> None:
        fleet.index = UnitIndex.of([unit("shop", pruneBudget=1), unit("edge")])
        fleet.commit({"apps/shop/a.yaml": None})
        assert reasons(fleet.round()) == {"shop": Reason.APPLIED}
        assert "Service/a" not in fleet.live

    def test_a_unit_that_left_homeostat_yaml_is_told_and_kept(self, fleet: Fleet) -> None:
        fleet.index = UnitIndex.of([unit("edge")])
        fleet.commit({"homeostat.yaml": b"2"})
        result = fleet.round()
        assert result.orphans == ("shop",)
        assert {"Service/a", "Service/b"} <= set(fleet.live)

    def test_a_dry_run_does_nothing(self, fleet: Fleet) -> None:
        fleet.commit({"apps/edge/g.yaml": service("g", 2)})
        before = fleet.target.observe("edge")
        result = fleet.round(dry_run=True)
        assert result.outcomes[0].plan is not None
        assert [s.id for s in result.outcomes[0].plan.steps] == ["Service/g"]
        assert fleet.target.observe("edge") == before


class TestMoves:
    @pytest.mark.parametrize("order", [["shop", "edge"], ["edge", "shop"]])
    def test_an_object_that_moves_between_units_is_never_deleted(self, history: History, order: list[str]) -> None:
        fleet = Fleet(history, [unit(n) for n in order])
        fleet.commit({**SHOP, **EDGE})
        fleet.round()
        fleet.commit({"apps/shop/a.yaml": None, "apps/edge/a.yaml": service("a")})
        assert fleet.round().ok
        assert fleet.live == {"Service/a": "edge", "Service/b": "shop", "Service/g": "edge"}
        assert fleet.pending == frozenset()
        assert not any(s.verb == "prune" for p in fleet.target.applied for s in p.steps)

    def test_it_is_kept_while_the_new_unit_does_not_render(self, fleet: Fleet) -> None:
        fleet.commit({"apps/shop/a.yaml": None, "apps/edge/a.yaml": service("a"), "apps/edge/bad.yaml": b"["})
        result = fleet.round()
        assert reasons(result) == {"shop": Reason.OK, "edge": Reason.INVALID}
        assert "edge does not render" in result.outcomes[0].detail
        assert fleet.live["Service/a"] == "shop"
        fleet.commit({"apps/edge/bad.yaml": None})
        fleet.round()
        assert fleet.live["Service/a"] == "edge"

    def test_it_is_kept_while_the_new_unit_cannot_be_applied(self, fleet: Fleet) -> None:
        fleet.target.refuse.add("Service/a")
        fleet.commit({"apps/shop/a.yaml": None, "apps/edge/a.yaml": service("a", 2)})
        fleet.round()
        assert fleet.live["Service/a"] == "shop"
        assert fleet.pending == {"edge", "shop"}

    def test_a_deletion_held_back_is_made_up_for(self, fleet: Fleet) -> None:
        fleet.commit({"apps/shop/a.yaml": None, "apps/edge/bad.yaml": b"["})
        fleet.round()
        assert "Service/a" in fleet.live
        fleet.commit({"apps/edge/bad.yaml": None})
        fleet.round()
        assert "Service/a" not in fleet.live


class TestCollisions:
    def test_the_unit_that_holds_an_object_keeps_it(self, fleet: Fleet) -> None:
        fleet.commit({"apps/edge/a.yaml": service("a", 9)})
        result = fleet.round()
        assert reasons(result) == {"edge": Reason.INVALID}
        assert result.outcomes[0].detail == (
            "apps/edge/a.yaml:1:1: Service/a already belongs to unit shop; write it in one of them"
        )
        assert fleet.target.objects["Service/a"].body == {"replicas": 1}

    def test_of_two_new_units_the_second_is_refused(self, history: History) -> None:
        fleet = Fleet(history, [unit("shop"), unit("edge")])
        fleet.commit({"apps/shop/a.yaml": service("a"), "apps/edge/a.yaml": service("a")})
        assert reasons(fleet.round()) == {"shop": Reason.INVALID, "edge": Reason.APPLIED}

    def test_what_an_unreadable_unit_holds_cannot_be_taken(self, fleet: Fleet) -> None:
        fleet.commit({"apps/shop/a.yaml": b"[", "apps/edge/a.yaml": service("a")})
        assert reasons(fleet.round()) == {"shop": Reason.INVALID, "edge": Reason.INVALID}
        assert fleet.live["Service/a"] == "shop"


class TestDrift:
    def drifted(self, fleet: Fleet, now_ms: int = 0) -> object:
        fleet.target.disturb("Service/g", {"replicas": 99})
        return fleet.drift(now_ms)

    def test_is_signalled_and_put_back(self, fleet: Fleet) -> None:
        report = self.drifted(fleet)
        (signal,) = report.signals
        assert (signal.source, signal.name, signal.component, signal.severity) == ("drift/edge", "Drift", "g", Severity.INFO)
        assert report.correct == {"edge"}
        result = fleet.round(drifted=sorted(report.correct))
        assert reasons(result) == {"edge": Reason.APPLIED}
        assert fleet.target.objects["Service/g"].body == {"replicas": 1}
        assert fleet.drift().drifts == ()

    def test_a_removed_object_is_drift_too(self, fleet: Fleet) -> None:
        fleet.target.disturb("Service/g", {})
        assert fleet.drift().signals[0].value == "gone"
        fleet.round(drifted=["edge"])
        assert fleet.target.objects["Service/g"].body == {"replicas": 1}

    def test_a_brake_stops_its_correction_but_not_what_people_merge(self, fleet: Fleet) -> None:
        self.drifted(fleet)
        result = fleet.round(drifted=["edge"], braked=True)
        assert "a brake stops drift correction" in result.outcomes[0].detail
        assert fleet.target.objects["Service/g"].body == {"replicas": 99}
        fleet.commit({"apps/edge/g.yaml": service("g", 3)})
        fleet.round(braked=True)
        assert fleet.target.objects["Service/g"].body == {"replicas": 3}

    @pytest.mark.parametrize(("policy", "told"), [("propose", 1), ("observe", 1), ("ignore", 0)])
    def test_is_left_alone_under_other_policies_also_when_the_unit_changes(
        self, history: History, policy: str, told: int
    ) -> None:
        fleet = Fleet(history, [unit("shop", drift=policy)])
        fleet.commit(SHOP)
        fleet.round()
        fleet.target.disturb("Service/a", {"replicas": 99})
        report = fleet.drift()
        assert (len(report.signals), report.correct) == (told, frozenset())
        fleet.commit({"apps/shop/b.yaml": service("b", 2)})
        fleet.round(drifted=["shop"])
        assert fleet.target.objects["Service/a"].body == {"replicas": 99}
        assert fleet.target.objects["Service/b"].body == {"replicas": 2}

    def test_the_same_drift_signals_once_a_minute(self, fleet: Fleet) -> None:
        first, again, later = (self.drifted(fleet, t).signals[0].id for t in (0, 59_000, 61_000))
        assert first == again != later

    def test_a_fight_ends_after_five_corrections_a_minute_and_is_signalled(self, fleet: Fleet) -> None:
        for second in range(MOST):
            report = self.drifted(fleet, second * 1_000)
            fleet.round(drifted=sorted(report.correct), now_ms=second * 1_000)
            assert fleet.target.objects["Service/g"].body == {"replicas": 1}
        report = self.drifted(fleet, 6_000)
        assert (report.correct, report.signals[0].name, report.signals[0].severity) == (
            frozenset(),
            "DriftFight",
            Severity.WARNING,
        )
        fleet.round(drifted=["edge"], now_ms=6_000)
        assert fleet.target.objects["Service/g"].body == {"replicas": 99}

    def test_a_new_value_from_git_is_applied_in_spite_of_a_fight(self, fleet: Fleet) -> None:
        self.test_a_fight_ends_after_five_corrections_a_minute_and_is_signalled(fleet)
        fleet.commit({"apps/edge/g.yaml": service("g", 99)})
        fleet.round(now_ms=7_000)
        assert fleet.drift(7_000).drifts == ()

    def test_a_target_that_cannot_be_asked_is_a_fault_and_no_drift(self, fleet: Fleet) -> None:
        fleet.target.broken = True
        report = fleet.drift()
        assert (report.drifts, report.signals) == ((), ())
        assert report.faults
