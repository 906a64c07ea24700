from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents import load_tree
from reconciler.documents.limits import Limit
from reconciler.documents.policy_cases import Given, Move
from reconciler.model.judging import Effect
from reconciler.model.reasons import Reason
from reconciler.policy.cases import decide
from reconciler.policy.facts import ValueMove
from reconciler.policy.gates_limits import violation
from reconciler.policy.judging import judge
from reconciler.policy.moves import value_moves
from reconciler.policy.rules import BUILT_IN_LIMITS, CAPACITY, policy_set
from reconciler.policy.samples import sample

REPLICAS, CPU, MEMORY = BUILT_IN_LIMITS
STEP = Limit(name="step", field="spec.replicas", min_ratio=Decimal("0.5"), max_ratio=Decimal(3))
FIXED = Limit(name="fixed", field="spec.replicas", fixed=True)


def broken(limit, before, after, field="spec.replicas", restores=False, capacity=CAPACITY):
    return bool(violation(limit, ValueMove("a.yaml", tuple(field.split(".")), before, after), capacity, restores=restores))


@pytest.mark.parametrize(
    ("limit", "before", "after", "refused"),
    [
        (REPLICAS, 3, 1, False),
        (REPLICAS, 3, 0, True),
        (REPLICAS, 3, -1, True),
        (REPLICAS, 3, 20, False),
        (REPLICAS, 3, 21, True),
        (REPLICAS, 0, 0, False),
        (REPLICAS, 40, 30, False),  # back towards the limit
        (REPLICAS, 30, 40, True),  # further outside
        (REPLICAS, 30, 0, False),  # from thirty: ten outside to one outside is nearer
        (REPLICAS, None, 5, False),
        (REPLICAS, None, 50, True),
        (REPLICAS, 3, None, True),  # removed: what stands in its place is unknown
        (REPLICAS, 3, "many", True),
        (REPLICAS, 3, "4", False),
        (REPLICAS, 3, "nan", True),
        (REPLICAS, 3, "inf", True),
        (REPLICAS, 3, True, True),  # True is no 1
        (REPLICAS, "many", "many", False),
        (REPLICAS, 3, "1e9", True),
        (STEP, 4, 2, False),
        (STEP, 4, 1, True),
        (STEP, 4, 12, False),
        (STEP, 4, 13, True),
        (STEP, None, 50, False),
        (STEP, 0, 50, False),
        (FIXED, 4, 5, True),
        (FIXED, 4, 4, False),
    ],
)
def test_a_limit_denies_moving_a_value_further_outside_and_nothing_else(limit, before, after, refused):
    assert broken(limit, before, after) is refused


@pytest.mark.parametrize(
    ("limit", "field", "after", "refused"),
    [
        (CPU, "spec.cpuMillis", 100, False),
        (CPU, "spec.cpuMillis", 99, True),
        (MEMORY, "spec.memoryMiB", 3686, False),
        (MEMORY, "spec.memoryMiB", 3687, True),
    ],
)
def test_shares_are_of_the_capacity(limit, field, after, refused):
    assert broken(limit, 500, after, field) is refused


def test_a_share_of_an_unknown_capacity_allows_nothing():
    assert broken(CPU, 500, 400, "spec.cpuMillis", capacity={})
    assert broken(MEMORY, 500, 600, "spec.memoryMiB", capacity={})


@pytest.mark.parametrize(("limit", "after"), [(REPLICAS, 50), (STEP, 1), (FIXED, 5), (REPLICAS, None)])
def test_restoring_what_people_had_merged_is_never_denied(limit, after):
    assert broken(limit, 4, after)
    assert not broken(limit, 4, after, restores=True)


@given(st.integers(-50, 100), st.integers(-50, 100))
@settings(max_examples=100)
def test_no_edit_ever_takes_a_value_from_inside_to_outside(before, after):
    if 1 <= before <= 20 and not 1 <= after <= 20:
        assert broken(REPLICAS, before, after)


def limits_document(body):
    return f"apiVersion: homeostat/v1\nkind: Limits\nmetadata: {{name: x}}\nspec: {body}\n".encode()


def test_documents_tighten_the_built_in_limits_and_cannot_widen_them():
    text = limits_document(
        "{limits: [{name: wide, field: spec.replicas, min: 0, max: 500}, {name: narrow, field: spec.replicas, max: 5}]}"
    )
    rules = policy_set(load_tree({"policies/x.yaml": text}))
    for after in (0, 6, 21):
        decision = decide(rules, Given(moves=(Move(field="spec.replicas", before=3, after=after),)))
        assert (decision.effect, decision.reason) == (Effect.DENY, Reason.LIMIT)
    narrow = decide(rules, Given(moves=(Move(field="spec.replicas", before=3, after=6),)))
    assert narrow.rule == "policies/x.yaml:4"


def test_a_limit_for_some_files_leaves_the_others_alone():
    text = limits_document("{limits: [{name: one, field: spec.workers, max: 5, paths: ['apps/edge/*']}]}")
    rules = policy_set(load_tree({"policies/x.yaml": text}))
    here = Move(path="apps/edge/a.yaml", field="spec.workers", before=3, after=6)
    there = Move(path="apps/shop/a.yaml", field="spec.workers", before=3, after=6)
    assert decide(rules, Given(moves=(there, here))).reason == Reason.LIMIT
    assert decide(rules, Given(moves=(there,))).reason == Reason.AUTONOMY


def test_a_limit_holds_in_every_document_of_a_file():
    assert ValueMove("a.yaml", (1, "spec", "calls", 0, "retries"), 1, 2).dotted == "spec.calls.0.retries"
    text = limits_document("{limits: [{name: one, field: spec.workers, max: 5}]}")
    rules = policy_set(load_tree({"policies/x.yaml": text}))
    (move,) = value_moves("a.yaml", [{}, {"spec": {"workers": 5}}], [{}, {"spec": {"workers": 6}}])
    subject, proposal, facts = sample(Given(), rules)
    assert judge(subject, proposal, replace(facts, moves=(move,)), rules).reason == Reason.LIMIT


def test_several_capacities_count_as_the_smallest():
    files = {
        f"policies/{n}.yaml": limits_document(f"{{capacity: {{cpuMillis: {n}}}}}").replace(b"name: x", b"name: x%d" % n)
        for n in (5000, 3000)
    }
    rules = policy_set(load_tree(files))
    assert dict(rules.capacity) == {"cpuMillis": 3000, "memoryMiB": 4096}


def test_the_moves_of_an_edit_are_read_from_both_versions():
    before = {"spec": {"replicas": 3, "calls": [{"retries": 1}], "share": 0.5, "old": "x", "same": True}}
    after = {"spec": {"replicas": 4, "calls": [{"retries": 1}, {"retries": 2}], "share": 0.25, "new": "y", "same": 1}}
    found = {move.dotted: (move.before, move.after) for move in value_moves("a.yaml", before, after)}
    assert found == {
        "spec.replicas": (3, 4),
        "spec.calls.1.retries": (None, 2),
        "spec.share": ("0.5", "0.25"),
        "spec.old": ("x", None),
        "spec.new": (None, "y"),
        "spec.same": (True, 1),
    }
    assert value_moves("a.yaml", before, before) == ()
