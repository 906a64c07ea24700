"""A person's no stands for its time under the Clock, is read from the log alone, and is taken back only by who said it."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit import facts as make
from reconciler.audit.facts import Reviewed
from reconciler.audit.view import Facts, fold
from reconciler.documents.loader import load_one
from reconciler.documents.people import people
from reconciler.documents.trust import Trust
from reconciler.model.pulls import Review, ReviewChoice
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp
from reconciler.proposals import Rejection
from reconciler.steps.rejected import rejected, rejected_by

HOUR_MS = 3_600_000
TRUST = b"""apiVersion: homeostat/v1
kind: Trust
metadata: {name: people}
spec:
  principals:
    - {name: ada, roles: [approve]}
    - {name: bob, roles: [approve]}
    - {name: eve, roles: [approve], units: [edge]}
"""


def rules(rejected_ms: int = HOUR_MS) -> SimpleNamespace:
    spec = SimpleNamespace(grouping=SimpleNamespace(rejected_ms=rejected_ms))
    return SimpleNamespace(
        installation=SimpleNamespace(spec=spec), people=people([load_one(TRUST, "policies/trust.yaml", Trust)])
    )


def said(choice: str, by: str = "ada", at: int = 0, patch: str = "p", number: int = 1) -> Record:
    made = Review(by, ReviewChoice(choice), "head", patch, (("shop", "tree"),), "cli", at)
    return make.record(RecordKind.REVIEW, f"{number}/{by}/{at}/{choice}", Stamp(at, at), Reviewed(number, made))


def proposed(*memory: str) -> Record:
    return make.record(RecordKind.PROPOSAL, memory[0], Stamp(0, 0), {"memory": memory})


def folded(*records: Record) -> Facts:
    facts = Facts()
    for index, record in enumerate(records):
        fold(facts, LoggedRecord(index, record, {}))
    return facts


def test_a_no_stands_for_its_time_and_not_a_moment_longer() -> None:
    ledger = folded(proposed("p", "move"), said("reject", at=1_000, number=7))
    no = Rejection("ada", 7, 1_000, 1_000 + HOUR_MS)
    assert rejected(rules(), ledger, 999 + HOUR_MS) == {"p": no, "move": no}
    assert rejected(rules(), ledger, 1_000 + HOUR_MS) == {}
    assert rejected(rules(rejected_ms=0), ledger, 1_000) == {}


def test_a_clock_that_stands_or_leaps_back_forgets_no_no() -> None:
    ledger = folded(said("reject", at=5_000))
    assert rejected(rules(), ledger, 5_000)
    assert rejected(rules(), ledger, 0)


def test_a_no_of_somebody_who_may_not_approve_there_or_is_not_known_is_nobodys() -> None:
    assert rejected(rules(), folded(said("reject", "eve"), said("reject", "mallory")), 0) == {}


def test_only_who_said_no_takes_it_back() -> None:
    no = said("reject")
    assert rejected(rules(), folded(no, said("approve", "bob", at=1, number=2), said("comment", at=2)), 2)
    assert rejected(rules(), folded(no, said("approve", at=1, number=2)), 2) == {}
    assert rejected(rules(), folded(said("reject", at=1), said("approve")), 2), "what was said first is recorded last"
    assert rejected(rules(), folded(said("approve"), no), 0), "of two words in one millisecond the rejection is the last"


def test_a_proposal_that_another_release_wrote_otherwise_is_remembered_by_its_patch_alone() -> None:
    old = make.record(RecordKind.PROPOSAL, "old", Stamp(0, 0), {"proposal": {"patch": "p"}})
    assert list(rejected(rules(), folded(old, said("reject")), 0)) == ["p"]


def test_in_its_own_pull_request_a_no_stands_whatever_the_edit_became_until_who_said_it_approves() -> None:
    def by(*words: Record, number: int = 1) -> str:
        return rejected_by(rules(rejected_ms=0), folded(*words), SimpleNamespace(number=number, reviews=()))

    no = said("reject", patch="before")
    assert by(no, said("approve", "bob", at=1), said("comment", at=2)) == "ada"
    assert by(no, said("approve", at=1, patch="after")) == ""
    assert by(no, number=2) == ""
    assert by(said("reject", "eve"), said("reject", "mallory")) == ""


REVIEWS = st.tuples(
    st.sampled_from(["approve", "reject", "comment"]), st.sampled_from(["ada", "bob", "eve"]), st.integers(0, 5),
    st.sampled_from(["p", "q"]), st.integers(1, 2),
)  # fmt: skip


@settings(max_examples=30, derandomize=True)
@given(st.lists(REVIEWS, max_size=8), st.integers(0, 8))
def test_whatever_people_say_an_edit_is_kept_back_just_while_somebodys_last_word_on_it_is_a_fresh_no(
    words: list[tuple[str, str, int, str, int]], now: int
) -> None:
    ledger = folded(proposed("p", "move"), *(said(*word) for word in words))
    found = rejected(RULES, ledger, now)
    wanted = set()
    for patch in ("p", "q"):
        for who in ("ada", "bob"):
            mine = [
                (at, choice == "reject") for choice, by, at, on, _ in words if (by, on) == (who, patch) and choice != "comment"
            ]
            if mine and (last := max(mine))[1] and now < last[0] + 3:
                wanted |= {"p", "move"} if patch == "p" else {"q"}
    assert set(found) == wanted
    assert rejected(RULES, folded(proposed("p", "move"), *(said(*word) for word in words)), now) == found


RULES = rules(rejected_ms=3)
