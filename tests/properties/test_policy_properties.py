"""The policy judge over many repairs: whatever is asked, it answers; stops never loosen; approvals never tighten."""

from dataclasses import replace
from decimal import Decimal

from examples import many
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents import load, load_tree
from reconciler.documents.policy_cases import EarlierMerge, Given, Move
from reconciler.errors import Misconfigured
from reconciler.expressions import CelType, compile_condition
from reconciler.model.canonical import decode, encode, plain
from reconciler.model.judging import Decision, Effect
from reconciler.policy.explaining import explain
from reconciler.policy.facts import Brake, Facts, Hold, Tightening
from reconciler.policy.judging import judge
from reconciler.policy.rules import policy_set
from reconciler.policy.samples import sample
from reconciler.policy.self_testing import _RULES

RULES = policy_set(load_tree({"policies/seeded.yaml": _RULES}))
STRICTNESS = [Effect.MERGE, Effect.REVIEW, Effect.WAIT, Effect.SHADOW, Effect.DENY]
UNITS = st.sampled_from([("shop",), ("low",), ("shop", "low"), ("elsewhere",)])

REPAIRS = st.builds(
    Given,
    playbook=st.sampled_from(["scale-out", "scale-wide", "restart", "unheard-of"]),
    cause=st.sampled_from(["load", "config"]),
    confidence=st.integers(0, 100).map(lambda n: Decimal(n) / 100),
    services=st.integers(0, 5),
    objects=st.integers(0, 200),
    impact=st.sampled_from(["low", "medium", "high"]),
    irreversibility=st.sampled_from(["reversible", "costly", "irreversible"]),
    units=UNITS,
    tags=st.sampled_from([(), ("failover",)]),
    prediction_only=st.booleans(),
    cascading=st.booleans(),
    forecast=st.sampled_from(["aligned", "opposed", "none"]),
    critical=st.booleans(),
    domains=st.sampled_from([("a",), ("a", "b")]),
    open_domains=st.sampled_from([(), ("a",), ("c",)]),
    braked=st.booleans(),
    reverts=st.booleans(),
    merges=st.lists(st.builds(EarlierMerge, agoMs=st.integers(0, 4_000_000), critical=st.booleans()), max_size=8).map(tuple),
    moves=st.lists(
        st.builds(Move, field=st.just("spec.replicas"), before=st.integers(-5, 40), after=st.integers(-5, 40)), max_size=2
    ).map(tuple),
)
STOPS = st.sampled_from(
    [
        {"brakes": (Brake("x", "x", 0),)},
        {"holds": (Hold("x", "x", 0),)},
        {"author_proved": False},
        {"examined": ()},
        {"capabilities": ()},
        {"cascading": True},
        {"inverse_of": ""},
        {"merger": "mallory"},
        {"tightenings": (Tightening("x", level="tight"),)},
        {"tightenings": (Tightening("x", autonomy="shadow"),)},
        {"open_domains": ("a", "b", "c")},
    ]
)


def where_refused(call, *arguments):
    try:
        call(*arguments)
    except Misconfigured as error:
        return error.where
    return ""


def strictness(decision: Decision) -> int:
    return STRICTNESS.index(decision.effect)


@given(REPAIRS, STOPS)
@settings(max_examples=many(150))
def test_a_stop_never_makes_the_answer_less_strict(repair, stop):
    subject, proposal, facts = sample(repair, RULES)
    assert strictness(judge(subject, proposal, replace(facts, **stop), RULES)) >= strictness(
        judge(subject, proposal, facts, RULES)
    )


@given(REPAIRS)
@settings(max_examples=many(100))
def test_an_approval_never_makes_the_answer_stricter_and_never_undoes_a_denial(repair):
    alone = judge(*sample(repair, RULES), RULES)
    approved = judge(*sample(repair.model_copy(update={"approved_by": ("ada",)}), RULES), RULES)
    assert strictness(approved) <= strictness(alone)
    assert alone.effect is not Effect.DENY or approved.effect is Effect.DENY


@given(REPAIRS)
@settings(max_examples=many(100))
def test_facts_and_decisions_survive_the_record_byte_for_byte(repair):
    subject, proposal, facts = sample(repair, RULES)
    again = decode(Facts, plain(facts))
    first, second = judge(subject, proposal, facts, RULES), judge(subject, proposal, again, RULES)
    assert encode(first) == encode(second)
    assert explain(decode(Decision, plain(first))) == explain(first)


@given(REPAIRS, st.text(max_size=20), st.integers(-(2**70), 2**70))
@settings(max_examples=many(100))
def test_hostile_facts_get_an_answer_that_can_be_shown(repair, text, number):
    subject, proposal, facts = sample(repair, RULES)
    facts = replace(facts, paths=(text,), examined=(text,), now_ms=number, units=(text,), author=text)
    decision = judge(subject, replace(proposal, confidence=text), facts, RULES)
    assert decision.effect is Effect.DENY
    assert explain(decision).replace("\n", "").isprintable()


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda s: s.encode("utf-8", "replace")))
@settings(max_examples=many(150))
def test_any_bytes_are_documents_or_refused_with_a_place(data):
    refused = where_refused(load, b"apiVersion: homeostat/v1\nkind: Limits\n" + data, "x.yaml")
    assert refused == "" or refused.startswith("x.yaml:")


@given(st.text(alphabet="ns=&|!()[]. 1'+-<>?:{}\"\\allexists,in", max_size=40))
@settings(max_examples=many(200))
def test_any_text_is_a_condition_that_answers_or_is_refused(source):
    variables = {"n": CelType.INT, "s": CelType.STRINGS}
    refused = where_refused(compile_condition, source, variables, "x.yaml:1:1")
    assert refused in ("", "x.yaml:1:1")
    if not refused:
        result = compile_condition(source, variables, "x.yaml:1:1").evaluate({"n": 1, "s": ["a"]})
        assert not (result.passed and result.error)
