"""Error budgets as facts: a condition may ask for them, and one that is not known never lets anything through."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from reconciler.documents import load_tree
from reconciler.documents.autonomy import Mode
from reconciler.documents.policy_cases import Given
from reconciler.model.judging import Effect
from reconciler.model.objectives import Budget, noted
from reconciler.model.reasons import Reason
from reconciler.policy.judging import judge
from reconciler.policy.rules import PolicySet, policy_set
from reconciler.policy.samples import sample

GUARD = "objective.count == 0.0 || objective.budgetLeft >= 0.1"


def _rules(expression: str = GUARD) -> PolicySet:
    require = f'{{conditions: [{{name: budget, expression: "{expression}", message: a tenth of the error budget}}]}}'
    text = f"apiVersion: homeostat/v1\nkind: MergePolicy\nmetadata: {{name: x}}\nspec: {{require: {require}}}\n"
    return policy_set(load_tree({"policies/x.yaml": text.encode()})).granting("scale-out", Mode.AUTONOMOUS)


def _decided(*budgets: Budget, expression: str = GUARD) -> tuple[Effect, Reason]:
    rules = _rules(expression)
    subject, proposal, facts = sample(Given(autonomy=Mode.AUTONOMOUS), rules)
    decision = judge(subject, proposal, dataclasses.replace(facts, budgets=budgets), rules)
    return decision.effect, Reason(decision.reason)


def _budget(left: str, burn: str = "0") -> Budget:
    return Budget("promise", "checkout", "0.99", left, burn, "1")


@pytest.mark.parametrize(("left", "effect"), [("0.5", Effect.MERGE), ("0.05", Effect.REVIEW), ("-3", Effect.REVIEW)])
def test_what_is_left_decides_who_may_merge(left: str, effect: Effect):
    assert _decided(_budget(left))[0] is effect


def test_the_budget_that_is_nearest_its_end_counts():
    assert _decided(_budget("0.9"), _budget("0.05"))[0] is Effect.REVIEW


def test_without_an_objective_nothing_is_asked_of_it():
    assert _decided() == (Effect.MERGE, Reason.ALLOWED)


@pytest.mark.parametrize("left", ["", "nan", "inf", "much"])
@pytest.mark.parametrize("expression", ["objective.budgetLeft >= 0.1", "objective.budgetLeft < 0.1", GUARD])
def test_a_budget_that_is_not_known_denies_whatever_is_asked_of_it(left: str, expression: str):
    assert _decided(_budget(left), _budget("0.9"), expression=expression) == (Effect.DENY, Reason.POLICY_ERROR)


def test_how_fast_it_is_spent_can_be_asked_too():
    assert _decided(_budget("0.5", "20"), expression="objective.burnRate < 10.0")[0] is Effect.REVIEW


def test_a_cases_file_can_say_what_is_left():
    rules = _rules()
    for left, effect in ((Decimal("0.5"), Effect.MERGE), (Decimal("0.05"), Effect.REVIEW)):
        assert judge(*sample(Given(budget_left=left, autonomy=Mode.AUTONOMOUS), rules), rules).effect is effect


@pytest.mark.parametrize("text", ['[{"objective": "x"}]', "{", '[{"component": 3}]', "7"])
def test_a_note_that_cannot_be_read_says_nothing(text: str):
    assert noted(text) == ()
