"""The verdict composes two decisions and can be neither skipped nor doubled."""

import itertools

import pytest

from reconciler.changes.verdict import verdict
from reconciler.model.judging import Decision, Effect, Judge, Requirement, Status, Subject
from reconciler.model.reasons import Reason

SUBJECT = Subject("infra", "main", "b", "h", "patch", (("shop", "t"),), "p")
RANK = [Effect.DENY, Effect.SHADOW, Effect.WAIT, Effect.REVIEW, Effect.MERGE]


def decision(judge, effect, status=None):
    found = status or (Status.SATISFIED if effect is Effect.MERGE else Status.UNSATISFIED)
    return Decision(judge, effect, f"{judge.value}-{effect.value}", (Requirement("r", found, "ok", "x", ()),), "f:1")


@pytest.mark.parametrize(("one", "two"), list(itertools.product(Effect, Effect)))
def test_the_stricter_effect_wins_whichever_judge_says_it(one, two):
    found = verdict(SUBJECT, [decision(Judge.POLICY, one), decision(Judge.CONSENSUS, two)], 7)
    assert found.effect is min(one, two, key=RANK.index)
    assert (found.subject, found.made_ms) == (SUBJECT, 7)


def test_the_reason_is_the_deciding_judges_own():
    found = verdict(SUBJECT, [decision(Judge.POLICY, Effect.MERGE), decision(Judge.CONSENSUS, Effect.DENY)], 7)
    assert found.reason == "consensus-deny"
    both = verdict(SUBJECT, [decision(j, Effect.MERGE) for j in Judge], 7)
    assert both.reason == Reason.ALLOWED


def test_the_order_of_the_decisions_never_matters():
    pair = [decision(Judge.POLICY, Effect.REVIEW), decision(Judge.CONSENSUS, Effect.MERGE)]
    assert verdict(SUBJECT, pair, 7, ("b", "a")) == verdict(SUBJECT, pair[::-1], 7, ("a", "b"))


@pytest.mark.parametrize("judges", [[], [Judge.POLICY], [Judge.CONSENSUS], [*Judge, Judge.POLICY], [Judge.POLICY, Judge.POLICY]])
def test_a_missing_or_doubled_judge_denies(judges):
    found = verdict(SUBJECT, [decision(j, Effect.MERGE) for j in judges], 7)
    assert (found.effect, found.reason) == (Effect.DENY, Reason.ERROR)


def test_a_merge_over_a_failed_or_absent_requirement_denies():
    lying = decision(Judge.POLICY, Effect.MERGE, Status.UNSATISFIED)
    assert verdict(SUBJECT, [lying, decision(Judge.CONSENSUS, Effect.MERGE)], 7).effect is Effect.DENY
    bare = Decision(Judge.POLICY, Effect.MERGE, "ok", (), "f:1")
    assert verdict(SUBJECT, [bare, decision(Judge.CONSENSUS, Effect.MERGE)], 7).effect is Effect.DENY
