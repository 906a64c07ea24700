"""Each guard in front of a one-shot act, alone, with a target in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.audit.facts import Brake
from reconciler.audit.view import Fact, Facts
from reconciler.converge.operations import is_prose, operation_id, operation_path, stricter
from reconciler.documents.operation import OperationSpec
from reconciler.errors import Permanent, Tampered
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Admission, AdmissionKind
from reconciler.ports.target import Act, Acted
from reconciler.steps import operating, underway
from reconciler.testing.operators import FakeOperator
from reconciler.testing.targets import FakeTarget

COMMIT = "c" * 40
ACT = Act("flush-1", "shop", "flush", "cache", "system:serviceaccount:shop:deployer")
SPEC = OperationSpec(action="flush", unit="shop", component="cache", expires_ms=10, irreversibility=Irreversibility.COSTLY)
UNIT = SimpleNamespace(target="here", apply=SimpleNamespace(service_account="shop/deployer", adopt=False, fields=()))
COSTLY, IRREVERSIBLE = Irreversibility.COSTLY, Irreversibility.IRREVERSIBLE


def world(target: Any = None, **over: Any) -> Any:
    """As much of a World as the guards look at."""
    facts = Facts()
    facts.admissions[COMMIT] = Fact(0, "a", 0, "", Admission(COMMIT, over.pop("admitted", AdmissionKind.VERDICT), ""))
    rules = SimpleNamespace(index=SimpleNamespace(by_name={"shop": UNIT}))
    approvers = over.pop("approvers", None)
    verdict = None if approvers is None else SimpleNamespace(verdict=SimpleNamespace(approvers=approvers))
    made = SimpleNamespace(
        ledger=SimpleNamespace(facts=lambda: facts),
        clock=SimpleNamespace(now=lambda: 5),
        cursor=SimpleNamespace(pending=frozenset()),
        targets={"here": target or FakeOperator({"cache": "shop"})},
        applied_rulebook=lambda: rules,
        recorded_verdict=lambda _: verdict,
    )
    return SimpleNamespace(**{**vars(made), **over})


@pytest.mark.parametrize("kind", [AdmissionKind.SIGNED, AdmissionKind.BRANCH, AdmissionKind.ROOT])
def test_a_person_may_bring_an_irreversible_act(kind: AdmissionKind) -> None:
    assert operating._unwanted(world(admitted=kind), COMMIT, IRREVERSIBLE) is None


@pytest.mark.parametrize("approvers", [None, ()], ids=["no-verdict", "nobody"])
def test_a_machine_may_not_without_a_person(approvers: Any) -> None:
    refused = operating._unwanted(world(approvers=approvers), COMMIT, IRREVERSIBLE)
    assert refused is not None
    assert refused.reason is Reason.IRREVERSIBLE


def test_a_machine_may_when_a_person_approved_and_for_what_is_costly() -> None:
    assert operating._unwanted(world(approvers=("ada",)), COMMIT, IRREVERSIBLE) is None
    assert operating._unwanted(world(), COMMIT, COSTLY) is None


def test_without_an_admission_nothing_runs() -> None:
    refused = operating._unwanted(world(), "d" * 40, COSTLY)
    assert refused is not None
    assert refused.reason is Reason.NOT_ADMITTED


@pytest.mark.parametrize("targets", [{"here": FakeTarget("here")}, {}], ids=["no-operator", "no-target"])
def test_a_target_that_cannot_act_refuses(targets: dict[str, Any]) -> None:
    found = operating._allowed(world(targets=targets), "flush-1", COMMIT, SPEC)
    assert isinstance(found, underway.Ended)
    assert "cannot do one-shot acts" in found.detail


def test_everything_in_order_is_ready_and_was_only_rehearsed() -> None:
    target = FakeOperator({"cache": "shop"})
    assert operating._allowed(world(target), "flush-1", COMMIT, SPEC) == operating.Ready(ACT, target)
    assert target.asked == [("flush-1", True)]


def test_a_unit_that_is_still_being_applied_is_waited_for_before_the_target_is_asked() -> None:
    target = FakeOperator({"cache": "shop"})
    waiting = world(target, cursor=SimpleNamespace(pending=frozenset({"shop"})))
    found = operating._allowed(waiting, "flush-1", COMMIT, SPEC)
    assert isinstance(found, underway.Held)
    assert (found.reason, target.asked) == (Reason.BLOCKED, [])


@pytest.mark.parametrize(("scope", "held"), [("", True), ("shop", True), ("cache", True), ("edge", False)])
def test_a_brake_counts_where_it_is_on(scope: str, held: bool) -> None:
    braked = world()
    braked.ledger.facts().brakes["b"] = Fact(1, "b", 0, "", Brake("b", "ada", "", 10, scope))
    assert isinstance(operating._allowed(braked, "flush-1", COMMIT, SPEC), underway.Held) is held


def test_a_brake_on_a_component_counts_however_much_of_its_name_is_said() -> None:
    braked = world()
    braked.ledger.facts().brakes["b"] = Fact(1, "b", 0, "", Brake("b", "ada", "", 10, "cache"))
    named = SPEC.model_copy(update={"component": "statefulset.apps/shop/cache"})
    assert isinstance(operating._allowed(braked, "flush-1", COMMIT, named), underway.Held)


def test_what_the_target_did_and_the_log_does_not_know_is_unknown() -> None:
    target = FakeOperator({"cache": "shop"}, done={ACT.id: ACT})
    found = operating._rehearsed(target, ACT)
    assert isinstance(found, underway.Ended)
    assert (found.event, found.reason) == ("unknown", Reason.DUPLICATE)


def test_a_target_that_breaks_at_the_rehearsal_ends_it_when_asking_again_cannot_help() -> None:
    class Broken(FakeOperator):
        def operate(self, act: Act, *, dry_run: bool) -> Acted:
            raise Permanent("no such interface")

    found = operating._allowed(world(Broken({"cache": "shop"})), "flush-1", COMMIT, SPEC)
    assert found == underway.Ended("refused", Reason.ERROR, "no such interface")


def test_a_refusal_at_the_last_moment_is_a_failure_and_not_unknown() -> None:
    assert underway.became(Acted(False, "invalid", "gone")).event == "failed"
    assert underway.became(Acted(True, "applied", "did it")).event == "finished"


def test_a_log_entry_that_does_not_prove_itself_makes_the_history_unreadable() -> None:
    def by_key(key: str) -> None:
        if key.endswith("/finished"):
            raise Tampered("the payload is missing")

    found = operating.history(world(log=SimpleNamespace(by_key=by_key, publish=tuple)), "flush-1")
    assert (found.readable, found.started) == (False, False)


@pytest.mark.parametrize("event", ["finished", "failed", "unknown", "incomplete", "refused", "expired", "withdrawn"])
def test_every_end_in_the_log_is_an_end(event: str) -> None:
    log = SimpleNamespace(by_key=lambda key: object() if key == f"operation/flush-1/{event}" else None, publish=tuple)
    found = operating.history(world(log=log), "flush-1")
    assert (found.readable, found.started, found.finished) == (True, False, True)


@pytest.mark.parametrize(
    "path",
    ["operations/.yaml", "operations/A.yaml", "operations/a/b.yaml", "operations/a.yaml\n", "operations/-a.yaml",
     "operations/a.yml", "x/operations/a.yaml", "operations/a..yaml", f"operations/{'a' * 64}.yaml", "operations/ä.yaml"],
)  # fmt: skip
def test_a_path_that_is_no_operation_gives_no_id(path: str) -> None:
    assert operation_id(path) == ""


@pytest.mark.parametrize("name", ["a", "clear-queue-7", "a" * 63])
def test_an_id_and_its_path_belong_together(name: str) -> None:
    assert operation_id(operation_path(name)) == name


def test_prose_is_no_operation_and_the_stricter_risk_counts() -> None:
    assert [is_prose(p) for p in ("operations/README.md", "operations/.gitkeep", "operations/a.yaml")] == [True, True, False]
    assert stricter(COSTLY, IRREVERSIBLE) is stricter(IRREVERSIBLE, COSTLY) is IRREVERSIBLE
    assert stricter(Irreversibility.REVERSIBLE, COSTLY) is COSTLY
