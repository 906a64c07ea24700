"""The small rules: health of many, Operations at most once, field differences, Trust documents as values."""

import pytest

from reconciler.converge.diffing import MAX_FIELDS, MAX_TEXT, field_changes
from reconciler.converge.fights import MOST, REST_MS, FightBook
from reconciler.converge.health import WORST_FIRST, aggregate
from reconciler.converge.operations import OperationHistory, eligible
from reconciler.converge.trust import Trust
from reconciler.documents.trust import Key, MachineKey, Principal, TrustSpec
from reconciler.model.keys import PublicKey
from reconciler.model.reasons import Reason
from reconciler.model.revisions import Health, HealthState

ALICE, AUTHOR, OTHER = (bytes([n]) * 32 for n in (1, 2, 3))


def line(raw: bytes) -> str:
    return PublicKey(raw).line


def test_nothing_seen_is_unknown_never_healthy() -> None:
    assert aggregate("shop", ()).state is HealthState.UNKNOWN


@pytest.mark.parametrize("worst", [s for s in WORST_FIRST if s is not HealthState.HEALTHY])
def test_one_bad_part_is_never_called_healthy(worst: HealthState) -> None:
    found = aggregate("shop", [Health("a", HealthState.HEALTHY), Health("b", worst), Health("c", HealthState.HEALTHY)])
    assert found.state is worst
    assert found.message.startswith("b: ")


def test_every_health_state_has_its_rank() -> None:
    assert set(WORST_FIRST) == set(HealthState)


@pytest.mark.parametrize(
    ("now", "history", "expected"),
    [
        (9, OperationHistory(readable=True, started=False, finished=False), Reason.OK),
        (10, OperationHistory(readable=True, started=False, finished=False), Reason.STALE),
        (9, OperationHistory(readable=True, started=True, finished=False), Reason.UNKNOWN),
        (9, OperationHistory(readable=True, started=True, finished=True), Reason.DUPLICATE),
        (9, OperationHistory(readable=False, started=False, finished=False), Reason.ERROR),
    ],
)
def test_an_operation_runs_at_most_once_in_its_time(now: int, history: OperationHistory, expected: Reason) -> None:
    assert eligible(10, now, history) is expected


def test_differences_name_leaves_and_are_bounded() -> None:
    before = {"queue": {"limit": 1}, "calls": [{"service": "a"}], "gone": True}
    after = {"queue": {"limit": 2}, "calls": [{"service": "a"}], "text": "x" * 500}
    changes = field_changes(before, after)
    assert [c[0] for c in changes] == ["gone", "queue.limit", "text"]
    assert changes[1] == ("queue.limit", "1", "2")
    assert len(changes[2][2]) == MAX_TEXT
    assert len(field_changes({}, {f"k{i}": i for i in range(100)})) == MAX_FIELDS


def test_five_slow_corrections_are_no_fight() -> None:
    book = FightBook()
    for n in range(20):
        assert book.may_correct("t", "o", "d", n * 13_000)
        book.corrected("t", "o", "d", n * 13_000)


def test_a_stopped_fight_rests_before_it_is_tried_again() -> None:
    book = FightBook()
    for n in range(MOST):
        book.corrected("t", "o", "d", n)
    assert not book.may_correct("t", "o", "d", 100)
    assert not book.may_correct("t", "o", "d", 100 + REST_MS - 1)
    assert book.may_correct("t", "o", "d", 100 + REST_MS)
    assert book.may_correct("t", "o", "what Git wants now", 101)


class TestTrust:
    def test_any_document_that_enforces_makes_all_enforce(self) -> None:
        assert Trust.of([TrustSpec(mode="warn"), TrustSpec(mode="enforce")], []).enforce
        assert not Trust.of([TrustSpec()], []).enforce

    def test_keys_keep_their_owner_and_revocation(self) -> None:
        person = Principal(name="alice", emails=("a@example.org",), keys=(Key(public=line(ALICE), revoked_at=7),))
        found = Trust.of([TrustSpec(principals=(person,))], []).principal_of(ALICE)
        assert found is not None
        assert (found[0].name, found[1].holds(6), found[1].holds(7)) == ("alice", True, False)

    def test_only_author_keys_are_the_machines(self) -> None:
        machine = (MachineKey(role="author", public=line(AUTHOR)), MachineKey(role="judge", public=line(OTHER)))
        assert [k.public for k in Trust.of([TrustSpec(machine=machine)], []).machine] == [AUTHOR]

    def test_a_document_can_revoke_the_pinned_author_key(self) -> None:
        machine = (MachineKey(role="author", public=line(AUTHOR), revoked_at=3),)
        (key,) = Trust.of([TrustSpec(machine=machine)], [AUTHOR]).machine
        assert not key.holds(3)

    def test_without_documents_only_the_pinned_machine_is_known(self) -> None:
        trust = Trust.of([], [AUTHOR])
        assert (trust.principals, [k.public for k in trust.machine]) == ((), [AUTHOR])
