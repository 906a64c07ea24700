"""Each way on for an act that has begun, alone, with a target in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.audit.facts import Brake
from reconciler.audit.view import Fact, Facts
from reconciler.documents.operation import OperationSpec
from reconciler.errors import Permanent, Retryable
from reconciler.model.operations import Unfinished, noted
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.ports.target import Act, Acted
from reconciler.steps import underway
from reconciler.steps.underway import Ended, Held
from reconciler.testing.operators import FakeLastingOperator, FakeOperator

ACT = Act("empty-1", "shop", "empty", "cache")
SPEC = OperationSpec(action="empty", unit="shop", component="cache", expires_ms=10, irreversibility=Irreversibility.COSTLY)
UNIT = SimpleNamespace(target="here", apply=SimpleNamespace(service_account="", adopt=False, fields=()))
PATH = "operations/empty-1.yaml"


def begun(**how: Any) -> FakeLastingOperator:
    made = FakeLastingOperator({"cache": "shop"}, **how)
    made.operate(ACT, dry_run=False)
    return made


def world(target: Any, *, files: tuple[str, ...] = (PATH,), notes: dict[str, str] | None = None) -> Any:
    """As much of a World as going on looks at."""
    facts = Facts()
    kept = {} if notes is None else notes
    return SimpleNamespace(
        ledger=SimpleNamespace(facts=lambda: facts),
        clock=SimpleNamespace(now=lambda: 5),
        cursor=SimpleNamespace(applied="a" * 40, unfinished={}, unfinished_told="", operations={"empty-1": 0}),
        targets={"here": target},
        repo=SimpleNamespace(read=lambda _, path: b"x" if path in files else None),
        applied_rulebook=lambda: SimpleNamespace(index=SimpleNamespace(by_name={"shop": UNIT})),
        store=SimpleNamespace(note=kept.__setitem__, noted=lambda key: kept.get(key, "")),
    )


def test_one_turn_goes_on_by_what_can_be_done_now_and_the_last_one_finishes() -> None:
    target = begun(pieces=2)
    assert underway.go_on(world(target), "empty-1", SPEC) == Held(Reason.WAITING, "1 of 2 are left", 1_000)
    assert underway.go_on(world(target), "empty-1", SPEC) == Ended("finished", Reason.APPLIED, "empty on cache")


def test_what_the_target_never_began_is_unknown_and_not_begun_now() -> None:
    target = FakeLastingOperator({"cache": "shop"})
    found = underway.go_on(world(target), "empty-1", SPEC)
    assert isinstance(found, Ended)
    assert (found.event, target.begun, target.done) == ("unknown", {}, {})


@pytest.mark.parametrize("target", [FakeOperator({"cache": "shop"}), SimpleNamespace()], ids=["not-lasting", "no-operator"])
def test_a_target_whose_acts_never_last_is_not_asked(target: Any) -> None:
    assert underway.go_on(world(target), "empty-1", SPEC) == Ended("unknown", Reason.UNKNOWN, underway.LOST)


def test_an_act_that_never_lasts_is_unknown_without_a_question() -> None:
    target = begun(breaks=None)
    found = underway.go_on(world(target), "empty-1", SPEC.model_copy(update={"action": "flush"}))
    assert found == Ended("unknown", Reason.UNKNOWN, underway.LOST)


def test_a_document_or_a_unit_that_is_gone_leaves_it_unknown() -> None:
    target = begun()
    elsewhere = SPEC.model_copy(update={"unit": "nowhere"})
    assert [underway.go_on(world(target), "empty-1", spec) for spec in ("does not load", elsewhere)] == [
        Ended("unknown", Reason.UNKNOWN, underway.LOST)
    ] * 2


def test_a_target_that_does_not_answer_is_asked_again_and_one_that_broke_is_not() -> None:
    target = begun()
    target.breaks = Retryable("away")
    held = underway.go_on(world(target), "empty-1", SPEC)
    assert isinstance(held, Held)
    assert (held.reason, "away" in held.detail) == (Reason.ERROR, True)
    target.breaks = Permanent("broken")
    ended = underway.go_on(world(target), "empty-1", SPEC)
    assert isinstance(ended, Ended)
    assert ended.event == "unknown"


@pytest.mark.parametrize("scope", ["", "shop", "cache"])
def test_a_brake_stops_it_where_it_stands(scope: str) -> None:
    target = begun()
    braked = world(target)
    braked.ledger.facts().brakes["b"] = Fact(1, "b", 0, "", Brake("b", "ada", "", 10, scope))
    found = underway.go_on(braked, "empty-1", SPEC)
    assert isinstance(found, Held)
    assert (found.reason, target.begun["empty-1"][1]) == (Reason.BRAKED, 2)


def test_removing_its_file_ends_it_where_it_stands() -> None:
    target = begun()
    removed = world(target, files=())
    underway.say(removed, "empty-1", SPEC, Held(Reason.WAITING, "1 of 2 are left"), begun=True)
    found = underway.go_on(removed, "empty-1", SPEC)
    assert found == Ended("incomplete", Reason.CLOSED, f"{underway.REMOVED}: 1 of 2 are left")
    assert target.begun["empty-1"][1] == 2


def test_the_targets_own_end_half_way_is_told_as_incomplete_and_no_refusal() -> None:
    target = begun(stuck=True, turns=1)
    found = underway.go_on(world(target), "empty-1", SPEC)
    assert found == Ended("incomplete", Reason.INCOMPLETE, "2 of 2 are left, and its time is over")
    refused = underway.became(Acted(False, "invalid", "no"))
    assert isinstance(refused, Ended)
    assert refused.event == "failed"


def test_what_it_waits_for_is_told_with_how_far_it_was_and_when_that_began() -> None:
    notes: dict[str, str] = {}
    looked = world(begun(), notes=notes)
    underway.say(looked, "empty-1", SPEC, Held(Reason.WAITING, "1 of 2 are left"), begun=True)
    looked.clock = SimpleNamespace(now=lambda: 9)
    underway.say(looked, "empty-1", SPEC, Held(Reason.WAITING, "1 of 2 are left"), begun=True)
    assert looked.cursor.unfinished["empty-1"].at_ms == 5
    underway.say(looked, "empty-1", SPEC, Held(Reason.BRAKED, "b is on"), begun=True)
    underway.tell(looked)
    (told,) = noted(notes["operations"])
    assert told == Unfinished("empty-1", "empty cache of shop", True, "braked", "b is on", "1 of 2 are left", 9)
    assert told.text == "b is on; so far: 1 of 2 are left"


def test_it_is_under_way_also_while_the_log_cannot_be_read() -> None:
    looked = world(begun())
    underway.say(looked, "empty-1", SPEC, Held(Reason.WAITING, "1 of 2 are left"), begun=True)
    underway.say(looked, "empty-1", SPEC, Held(Reason.ERROR, "the log cannot be read"), begun=False)
    assert looked.cursor.unfinished["empty-1"].begun is True


def test_what_is_over_is_told_no_more_and_nothing_is_noted_twice() -> None:
    notes: dict[str, str] = {}
    looked = world(begun(), notes=notes)
    underway.say(looked, "empty-1", SPEC, Held(Reason.BRAKED, "b is on"), begun=False)
    underway.tell(looked)
    written = notes.pop("operations")
    underway.tell(looked)
    assert notes == {}
    notes["operations"] = written
    again = world(begun(), notes=notes)
    underway.recall(again)
    assert again.cursor.unfinished == looked.cursor.unfinished
    again.cursor.operations = {}
    underway.tell(again)
    assert noted(notes["operations"]) == ()


def test_a_note_of_another_release_says_nothing() -> None:
    assert noted('[{"id": "x"}]') == noted("nonsense") == noted("") == ()
