from collections.abc import Callable

import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.audit import facts as make
from reconciler.audit import layout
from reconciler.audit.facts import Brake, Hold, Merge, OperationEvent, Panic
from reconciler.audit.log import Log
from reconciler.audit.state import Trusted
from reconciler.audit.view import Facts, LogView, fold
from reconciler.errors import Tampered
from reconciler.model.judging import Effect, Subject, Verdict
from reconciler.model.outcomes import Outcome, OutcomeState
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp
from reconciler.model.revisions import Admission, AdmissionKind, ChangeSet, StepResult, Verb
from reconciler.ports.repo import RefMove


def at(clock_ms: int) -> Stamp:
    return Stamp(clock_ms, 1_763_600_000_000 + clock_ms)


def folded(*records: Record) -> Facts:
    facts = Facts()
    for index, record in enumerate(records):
        fold(facts, LoggedRecord(index, record, {}))
    return facts


def merged(commit: str, clock_ms: int = 0, *, machine: bool = True, patch: str = "", reverts: str = "") -> Record:
    return make.merge_record(
        Merge("infra", "main", commit, "base", "v", "homeostat", machine, patch=patch, reverts=reverts, proposal={"of": commit}),
        at(clock_ms),
    )


def outcome(commit: str, stage: str, state: OutcomeState = OutcomeState.BETTER) -> Record:
    return make.outcome_record(Outcome(commit, stage, state, "ok", (), 0, ""), at(0))


def verdict(head: str, effect: Effect, made_ms: int = 0) -> Record:
    return make.verdict_record(
        Verdict(Subject("infra", "main", "b", head, "p", (), "d"), effect, "allowed", (), made_ms), at(made_ms)
    )


def test_the_newest_verdict_of_a_head_counts_and_no_other_heads() -> None:
    facts = folded(verdict("h", Effect.DENY), verdict("h", Effect.MERGE, 1), verdict("other", Effect.DENY, 2))
    assert facts.verdict("h").value.effect is Effect.MERGE
    assert [fact.value.effect for fact in facts.verdicts["h"]] == [Effect.DENY, Effect.MERGE]
    assert facts.verdict("unknown") is None


def test_admissions_are_found_by_commit() -> None:
    facts = folded(make.admission_record("infra", Admission("c", AdmissionKind.BRANCH, "ada"), at(0)))
    assert facts.admissions["c"].value.principal == "ada"


def test_a_brake_is_in_force_until_it_expires_or_is_lifted() -> None:
    facts = folded(make.brake_record(Brake("b1", "ada", "storm", 100), at(0)))
    assert facts.braked(99).value.owner == "ada"
    assert facts.braked(100) is None
    lifted = folded(
        make.brake_record(Brake("b1", "ada", "storm", 100), at(0)),
        make.brake_record(Brake("b1", "ada", "over", 100, on=False), at(5)),
    )
    assert lifted.braked(10) is None


def test_a_brake_with_a_scope_stops_only_that_scope_and_one_without_stops_everything() -> None:
    facts = folded(make.brake_record(Brake("b1", "ada", "storm", 100, scope="shop"), at(0)))
    assert facts.braked(0, "shop")
    assert facts.braked(0, "edge") is None
    assert folded(make.brake_record(Brake("b1", "ada", "storm", 100), at(0))).braked(0, "edge")


def test_lifting_one_brake_leaves_another_in_force() -> None:
    facts = folded(
        make.brake_record(Brake("b1", "ada", "x", 100), at(0)),
        make.brake_record(Brake("b2", "bob", "y", 100), at(0)),
        make.brake_record(Brake("b1", "ada", "x", 100, on=False), at(0)),
    )
    assert facts.braked(0).value.id == "b2"


def test_a_hold_lasts_until_its_time_or_its_release() -> None:
    facts = folded(
        make.hold_record(Hold("checkout", "ada", "mine", 100, patches=("p1",)), at(0)),
        make.hold_record(Hold("cart", "ada", "x"), at(0)),
    )
    assert [fact.value.scope for fact in facts.held(99)] == ["checkout", "cart"]
    assert [fact.value.scope for fact in facts.held(100)] == ["cart"]
    assert "p1" in facts.remembered
    fold(facts, LoggedRecord(9, make.hold_record(Hold("cart", "ada", "x", released=True), at(1)), {}))
    assert facts.held(100) == []


def test_the_patch_of_a_reverted_merge_is_remembered() -> None:
    facts = folded(merged("c1", patch="p1"), merged("c2", patch="p2", reverts="c1"))
    assert facts.remembered == {"p1": "c2"}
    assert facts.reverted == {"c1": "c2"}


def test_undoing_a_revert_does_not_forbid_the_revert() -> None:
    facts = folded(merged("c1", patch="p1"), merged("c2", patch="p2", reverts="c1"), merged("c3", reverts="c2"))
    assert "p2" not in facts.remembered


def test_what_panic_reverted_is_remembered() -> None:
    facts = folded(merged("c1", patch="p1"), make.panic_record(Panic("ada", 0, "c9", ("c1",), (("c0", "revert"),)), at(1)))
    assert facts.remembered == {"p1": "c9"}
    assert facts.without_outcome() == []


def test_machine_merges_without_a_final_outcome_become_cases_again() -> None:
    facts = folded(merged("c1"), merged("c2"), merged("c3", machine=False), outcome("c1", "guard"), outcome("c2", "outcome"))
    assert [fact.value.commit for fact in facts.without_outcome()] == ["c1"]


def test_spending_counts_machine_merges_of_the_window_and_no_reverts() -> None:
    facts = folded(merged("c1", 10), merged("c2", 20), merged("c3", 30, machine=False), merged("c4", 40, reverts="c1"))
    assert [fact.value.commit for fact in facts.spending(20)] == ["c2"]


def test_an_operation_is_what_its_last_event_says() -> None:
    started = make.operation_record(OperationEvent("op1", "started", "c"), at(0))
    assert folded(started).operation("op1") == "started"
    assert folded(started, make.operation_record(OperationEvent("op1", "finished", "c"), at(1))).operation("op1") == "finished"
    assert folded().operation("op1") == ""


def test_only_a_successful_apply_counts_as_applied() -> None:
    bad = ChangeSet("shop", "lab", "r1", 1, (StepResult("Service/cart", Verb.UPDATE, ok=False, reason="error"),), "error")
    good = ChangeSet("shop", "lab", "r1", 1, (), "applied")
    assert folded(make.apply_record(bad, at(0))).applied == {}
    facts = folded(make.apply_record(bad, at(0)), make.apply_record(good, at(1)))
    assert facts.applied == {"r1": 1}
    assert facts.applies["lab", "shop"].value == good


def test_what_a_target_refused_in_part_was_tried_and_what_was_refused_before_was_not() -> None:
    failed = (StepResult("Service/cart", Verb.UPDATE, ok=False, reason="error"),)
    blocked = make.apply_record(ChangeSet("shop", "lab", "r1", 1, (), "blocked"), at(0))
    tried = make.apply_record(ChangeSet("shop", "lab", "r2", 1, failed, "error"), at(1))
    again = make.apply_record(ChangeSet("shop", "lab", "r2", 1, (), "applied"), at(2))
    done = make.apply_record(ChangeSet("shop", "lab", "r3", 2, (), "applied"), at(3))
    first = at(1).clock_ms
    assert folded(blocked, tried, again, done).tried_ms == {"r2": first, "r3": at(3).clock_ms}


def test_a_payload_that_does_not_fit_is_refused_and_not_skipped() -> None:
    with pytest.raises(Tampered, match="does not fit"):
        folded(Record(RecordKind.BRAKE, "brake/x", "", "", at(0), {"id": "b1"}))


def test_the_view_follows_the_log_and_reads_only_what_is_new(
    log: Log, repo: PygitRepo, trusted: Trusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = LogView(log)
    log.publish([merged("c1")])
    assert list(view.facts().merges) == ["c1"]
    asked: list[int] = []
    records = log.records
    monkeypatch.setattr(log, "records", lambda since, **more: asked.append(since) or records(since, **more))
    view.facts()
    log.publish([merged("c2")])
    assert list(view.facts().merges) == ["c1", "c2"]
    assert asked == [1]
    assert list(LogView(Log(repo, trusted)).facts().merges) == ["c1", "c2"]


def test_the_same_step_run_twice_makes_the_same_key_and_another_verdict_another() -> None:
    keys: Callable[[Record], str] = lambda record: record.key  # noqa: E731
    assert keys(verdict("h", Effect.MERGE)) == keys(verdict("h", Effect.MERGE))
    assert keys(verdict("h", Effect.MERGE)) != keys(verdict("h", Effect.MERGE, 1))


MONTH_MS = 31 * 86_400_000


def braked_in_month(n: int) -> Record:
    return make.brake_record(Brake(f"b{n}", "ada", "storm", 9_999_999_999_999), Stamp(n, 1_763_600_000_000 + n * MONTH_MS))


def drop(repo: PygitRepo, month: str) -> None:
    ref = layout.PAYLOADS + month
    assert repo.move([RefMove(ref, repo.ref(ref) or "", "")])


def test_a_brake_whose_recent_month_is_missing_is_no_missing_brake(log: Log, repo: PygitRepo, trusted: Trusted) -> None:
    log.publish([braked_in_month(0)])
    log.publish([outcome("c", "guard")])
    drop(repo, "2025-11")
    with pytest.raises(Tampered, match=r"entry 0 is missing, and nothing is decided without it.*payloads/2025-11"):
        LogView(Log(repo, trusted)).facts()


def test_months_that_retention_dropped_long_ago_stop_nothing(log: Log, repo: PygitRepo, trusted: Trusted) -> None:
    for n in range(4):
        log.publish([braked_in_month(n)])
    drop(repo, "2025-11")
    assert sorted(LogView(Log(repo, trusted)).facts().brakes) == ["b1", "b2", "b3"]


def test_facts_that_a_thread_holds_do_not_change_under_it(log: Log) -> None:
    view = LogView(log)
    log.publish([braked_in_month(0), outcome("c", "guard")])
    before = view.facts()
    log.publish([braked_in_month(1), outcome("c", "outcome")])
    assert (sorted(before.brakes), len(before.outcomes["c"])) == (["b0"], 1)
    assert (sorted(view.facts().brakes), len(view.facts().outcomes["c"])) == (["b0", "b1"], 2)
