"""check_store: what every Store must do, as one function a promise. A failed promise raises AssertionError.

`check_store(make)` runs all of them, each on a fresh store; test suites may also run `STORE_PROMISES` one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.model.cases import Case, Stage
from reconciler.model.records import Record, RecordKind, Stamp
from reconciler.model.signals import Severity, Signal, SignalStatus
from reconciler.ports.store import Store
from reconciler.testing.expecting import expect


def a_signal(number: int = 1, **changes: object) -> Signal:
    """A plain signal; the same number gives the same id."""
    base = Signal(
        id=f"signal-{number}",
        source="alertmanager/test",
        name="HighLatency",
        component="checkout",
        fingerprint="HighLatency/checkout",
        status=SignalStatus.FIRING,
        severity=Severity.CRITICAL,
        started_ms=1_000 + number,
        received_ms=2_000 + number,
        labels=(("service", "checkout"),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def a_case(case_id: str = "case-1", **changes: object) -> Case:
    base = Case(
        id=case_id,
        repository="infra",
        target="lab",
        fingerprint=f"fingerprint-{case_id}",
        stage=Stage.TRIAGE,
        due_ms=5_000,
        opened_ms=4_000,
        data={"found": ["a", 1, None], "nested": {"ü": True}},
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def a_record(key: str = "incident/case-1", **payload: object) -> Record:
    return Record(kind=RecordKind.INCIDENT, key=key, subject="case-1", incident="case-1", stamp=Stamp(1, 2), payload=payload)


def accepts_a_signal_once(store: Store) -> None:
    first = store.accept([a_signal(1), a_signal(2), a_signal(1)])
    again = store.accept([a_signal(2, name="Other"), a_signal(3)])
    expect(first == 2, "a repeated id within one batch counts once")
    expect(again == 1, "a known id is ignored")
    expect(list(store.pending_signals()) == [a_signal(1), a_signal(2), a_signal(3)], "kept as first told, oldest first")


def accepts_nothing(store: Store) -> None:
    expect(store.accept([]) == 0, "an empty batch is no error")


def limits_what_is_pending(store: Store) -> None:
    store.accept([a_signal(n) for n in range(5)])
    expect([s.id for s in store.pending_signals(2)] == ["signal-0", "signal-1"], "the oldest come first")


def opens_a_case_with_its_signals_and_records(store: Store) -> None:
    store.accept([a_signal(1), a_signal(2)])
    expect(store.open_case(a_case(), ["signal-1"], [a_record(n=1)]), "a new id opens")
    expect(store.case("case-1") == a_case(), "the case comes back as it was")
    expect([s.id for s in store.pending_signals()] == ["signal-2"], "its signals are no longer pending")
    expect(list(store.outbox()) == [a_record(n=1)], "its records wait for the log")


def opens_a_case_id_once(store: Store) -> None:
    store.accept([a_signal(1)])
    store.open_case(a_case(), [], [])
    expect(not store.open_case(a_case(stage=Stage.DONE), ["signal-1"], [a_record()]), "the id exists")
    expect(len(store.pending_signals()) == 1, "no signal was taken")
    expect(not store.outbox(), "no record was kept")
    expect(store.case("case-1") == a_case(), "the case is untouched")


def joins_more_signals(store: Store) -> None:
    store.accept([a_signal(1)])
    store.open_case(a_case(), [], [])
    expect(not store.join(a_case(version=7), ["signal-1"]), "a stale version joins nothing")
    expect(len(store.pending_signals()) == 1, "and takes no signal")
    expect(store.join(a_case(data={"count": 2}), ["signal-1"]), "the stored version joins")
    expect(store.case("case-1") == a_case(data={"count": 2}, version=1), "with the version raised")
    expect(not store.pending_signals(), "and its signals taken")


def drops_signals(store: Store) -> None:
    store.accept([a_signal(1), a_signal(2)])
    store.drop_signals(["signal-1", "signal-unknown"], "stale")
    expect([s.id for s in store.pending_signals()] == ["signal-2"], "a dropped signal is not pending")
    expect(store.accept([a_signal(1)]) == 0, "and stays known")


def forgets_old_signals_that_are_settled(store: Store) -> None:
    store.accept([a_signal(1), a_signal(2), a_signal(3)])
    store.drop_signals(["signal-1", "signal-3"], "stale")
    expect(store.prune(a_signal(3).received_ms) == 1, "only what is older")
    expect([signal.id for signal in store.pending_signals()] == ["signal-2"], "what is pending stays")
    expect(store.accept([a_signal(3)]) == 0, "what is younger is still known")


def commits_by_version(store: Store) -> None:
    store.open_case(a_case(), [], [])
    step = a_case(stage=Stage.DIAGNOSE, reason="ok", detail="looked", attempts=2, due_ms=9_000, data={"k": "v"})
    expect(store.commit(step, [a_record("a")]), "the stored version commits")
    expect(store.case("case-1") == replace(step, version=1), "every field is stored, the version raised")
    late = replace(step, stage=Stage.DONE)
    expect(not store.commit(late, [a_record("b")]), "a second worker with the old version does not")
    expect(store.case("case-1") == replace(step, version=1), "then the case is untouched")
    expect([r.key for r in store.outbox()] == ["a"], "and no record is kept")


def commits_no_unknown_case(store: Store) -> None:
    expect(not store.commit(a_case("nobody"), [a_record()]), "there is nothing to compare with")
    expect(not store.outbox(), "and no record is kept")


def lists_cases_newest_first(store: Store) -> None:
    for number in range(4):
        store.open_case(a_case(f"case-{number}", opened_ms=number, stage=Stage.DONE if number == 2 else Stage.OPEN), [], [])
    expect([c.id for c in store.cases()] == ["case-3", "case-2", "case-1", "case-0"], "newest first")
    expect([c.id for c in store.cases(open_only=True, limit=2)] == ["case-3", "case-1"], "open ones, limited")


def keeps_a_record_key_once_for_ever(store: Store) -> None:
    store.keep([a_record("a", n=1), a_record("b"), a_record("a", n=2)])
    expect(list(store.outbox()) == [a_record("a", n=1), a_record("b")], "the first of a key stays, in order")
    store.published(["a"])
    store.keep([a_record("a", n=3)])
    expect([r.key for r in store.outbox()] == ["b"], "a published key is never written again")
    expect([r.key for r in store.outbox(limit=0)] == [], "the limit holds")


def keeps_notes(store: Store) -> None:
    expect(store.noted("cursor") == "", "an unknown note is empty")
    store.note("cursor", "1")
    store.note("cursor", "2")
    expect(store.noted("cursor") == "2", "the last value stays")


STORE_PROMISES: tuple[Callable[[Store], None], ...] = (
    accepts_a_signal_once,
    accepts_nothing,
    limits_what_is_pending,
    opens_a_case_with_its_signals_and_records,
    opens_a_case_id_once,
    joins_more_signals,
    drops_signals,
    forgets_old_signals_that_are_settled,
    commits_by_version,
    commits_no_unknown_case,
    lists_cases_newest_first,
    keeps_a_record_key_once_for_ever,
    keeps_notes,
)


def check_store(make: Callable[[], Store]) -> None:
    """Runs every promise on a fresh store."""
    for promise in STORE_PROMISES:
        promise(make())
