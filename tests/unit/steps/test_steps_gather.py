"""The small readings of the log that policy's facts are made of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from reconciler.audit import facts as make
from reconciler.audit.facts import Hold, Merge, Panic, Reviewed
from reconciler.audit.view import Fact, Facts, fold
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp
from reconciler.steps.gather import _hold, _reviews, undoes_an_undo

STAMP = Stamp(0, 1_763_600_000_000)
APPROVE, REJECT = ReviewChoice.APPROVE, ReviewChoice.REJECT


def folded(*records: Record) -> Facts:
    facts = Facts()
    for index, record in enumerate(records):
        fold(facts, LoggedRecord(index, record, {}))
    return facts


def merged(commit: str, reverts: str = "") -> Record:
    return make.merge_record(Merge("infra", "main", commit, "base", "v", "homeostat", machine=True, reverts=reverts), STAMP)


def test_the_inverse_of_a_machine_revert_would_do_again_what_was_undone() -> None:
    facts = folded(merged("repair"), merged("revert", reverts="repair"))
    assert [undoes_an_undo(facts, commit) for commit in ("repair", "revert")] == [False, True]


def test_the_inverse_of_a_panics_commit_would_do_again_what_was_undone() -> None:
    facts = folded(merged("repair"), merged("p"), make.panic_record(Panic("ada", 0, "p", ("repair",)), STAMP))
    assert undoes_an_undo(facts, "p")
    assert not undoes_an_undo(facts, "")


def test_a_panic_that_undid_nothing_says_nothing_about_no_commit() -> None:
    assert not undoes_an_undo(folded(make.panic_record(Panic("ada", 0, "", ()), STAMP)), "")


def test_a_hold_without_a_scope_holds_everything_and_not_nothing() -> None:
    def held(scope: str) -> tuple[str, ...]:
        return _hold(Fact(0, "sha256:0", 0, "", Hold(scope, "ada", "wait"))).paths

    assert (held(""), held("apps/shop")) == ((), ("apps/shop",))


def test_a_no_in_another_pull_request_is_told_to_the_judges_for_its_time_and_a_yes_there_is_not():
    trees = (("shop", "tree"),)
    words = [Review(by, choice, "head", "p", trees, "cli", 0) for by, choice in (("ada", REJECT), ("bob", APPROVE))]
    logged = [make.record(RecordKind.REVIEW, word.principal, STAMP, Reviewed(1, word)) for word in words]
    spec = SimpleNamespace(grouping=SimpleNamespace(rejected_ms=1_000))
    rules: Any = SimpleNamespace(
        installation=SimpleNamespace(spec=spec), people=SimpleNamespace(named=lambda name: name in ("ada", "bob"))
    )
    assert [r.principal for r in _reviews(rules, folded(*logged), None, 999)] == ["ada"]
    assert _reviews(rules, folded(*logged), None, 1_000) == ()
    own: Any = SimpleNamespace(number=1, reviews=())
    assert {r.principal for r in _reviews(rules, folded(*logged), own, 1_000)} == {"ada", "bob"}
