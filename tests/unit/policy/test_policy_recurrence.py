"""How often trouble came back is a fact: a condition may ask for it, as the guide shows."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from reconciler.documents import load_tree
from reconciler.documents.autonomy import Mode
from reconciler.documents.policy_cases import Given
from reconciler.model.judging import Effect
from reconciler.policy.judging import judge
from reconciler.policy.rules import PolicySet, policy_set
from reconciler.policy.samples import sample

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "policies.md"


def _rules() -> PolicySet:
    """The policy that the guide gives as an example."""
    found = re.search(r"```yaml\n([^`]*name: again-and-again[^`]*)```", GUIDE.read_text(encoding="utf-8"))
    assert found
    return policy_set(load_tree({"policies/again.yaml": found[1].encode()})).granting("scale-out", Mode.AUTONOMOUS)


def _effect(**facts: int) -> Effect:
    rules = _rules()
    subject, proposal, quiet = sample(Given(autonomy=Mode.AUTONOMOUS), rules)
    return judge(subject, proposal, dataclasses.replace(quiet, **facts), rules).effect


@pytest.mark.parametrize(("seen", "effect"), [(0, Effect.MERGE), (1, Effect.MERGE), (2, Effect.REVIEW), (30, Effect.REVIEW)])
def test_the_third_time_in_a_week_wants_a_person(seen: int, effect: Effect):
    assert _effect(seen_before=seen, seen_this_week=seen) is effect


def test_what_came_up_long_ago_does_not_count_for_the_week():
    assert _effect(seen_before=30, worked_before=1) is Effect.MERGE


def test_what_was_tried_in_vain_before_wants_a_person():
    assert _effect(seen_before=5, worked_before=0, seen_this_week=1) is Effect.REVIEW
    assert _effect(seen_before=5, worked_before=1, seen_this_week=1) is Effect.MERGE


def test_a_cases_file_can_say_how_often_it_was_seen():
    rules = _rules()
    subject, proposal, facts = sample(Given(autonomy=Mode.AUTONOMOUS, seen_before=2, seen_this_week=2, worked_before=1), rules)
    assert judge(subject, proposal, facts, rules).effect is Effect.REVIEW
