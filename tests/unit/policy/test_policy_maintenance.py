"""Maintenance as a fact: a condition may ask whether people work on what a repair touches."""

from __future__ import annotations

import pytest

from reconciler.documents import load_tree
from reconciler.documents.autonomy import Mode
from reconciler.documents.policy_cases import Given
from reconciler.model.judging import Effect
from reconciler.policy.judging import judge
from reconciler.policy.rules import PolicySet, policy_set
from reconciler.policy.samples import sample

WORK = b"""\
apiVersion: homeostat/v1
kind: Maintenance
metadata: {name: move}
spec: {components: ["orders-*"], reason: a move, windows: [{start: "2026-06-05T22:00Z", end: "2026-06-05T23:00Z"}]}
---
apiVersion: homeostat/v1
kind: Trust
metadata: {name: people}
spec: {principals: [{name: ada, roles: [approve, merge]}]}
"""
IN, AFTER = "2026-06-05T22:30Z", "2026-06-05T23:00Z"


def _rules(expression: str, *, person: bool = True) -> PolicySet:
    require = f'{{conditions: [{{name: work, expression: "{expression}", person: {str(person).lower()}}}]}}'
    policy = f"apiVersion: homeostat/v1\nkind: MergePolicy\nmetadata: {{name: x}}\nspec: {{require: {require}}}\n"
    files = {"policies/x.yaml": policy.encode()} | {f"policies/{n}.yaml": one for n, one in enumerate(WORK.split(b"---\n"))}
    return policy_set(load_tree(files)).granting("scale-out", Mode.AUTONOMOUS)


def _effect(rules: PolicySet, at: str, component: str, *approved: str) -> Effect:
    given = Given(autonomy=Mode.AUTONOMOUS, at=at, components=(component,), approved_by=approved)
    return judge(*sample(given, rules), rules).effect


@pytest.mark.parametrize(
    ("at", "component", "effect"),
    [(IN, "orders-db", Effect.MERGE), (IN, "cart", Effect.DENY), (AFTER, "orders-db", Effect.DENY)],
)
def test_a_condition_knows_whether_people_work_on_what_is_touched(at: str, component: str, effect: Effect):
    assert _effect(_rules("inMaintenance", person=False), at, component, "ada") is effect


def test_a_policy_can_let_no_approval_stand_in_for_the_end_of_the_work():
    strict = _rules("!inMaintenance", person=False)
    assert _effect(strict, IN, "orders-db", "ada") is Effect.DENY
    assert _effect(strict, IN, "cart", "ada") is Effect.MERGE
    assert _effect(_rules("true"), IN, "orders-db", "ada") is Effect.MERGE


def test_a_cases_file_names_what_is_touched():
    quiet = _rules("true")
    assert [_effect(quiet, IN, name) for name in ("orders-db", "cart")] == [Effect.WAIT, Effect.MERGE]
