"""Health over any object: an answer always, and never healthy when a condition says the opposite."""

import dataclasses
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.documents import load_one
from reconciler.documents.health_rule import HealthCases
from reconciler.health import HealthBook, Judgement, library_files, library_text
from reconciler.health.facts import read
from reconciler.model.revisions import HealthState

BOOK, BARE = HealthBook(), HealthBook(library=False)
CASES = [
    case.object
    for name in library_files()
    for case in load_one(library_text(name.replace(".yaml", ".cases.yaml")), name, HealthCases).document.spec.cases
]
KINDS = sorted({(case["apiVersion"], case["kind"]) for case in CASES})
KEYS = st.sampled_from([
    "conditions", "type", "status", "reason", "message", "phase", "state", "health", "observedGeneration", "generation",
    "replicas", "readyReplicas", "labels", "parents", "listeners", "error", "ready", "containerStatuses", "loadBalancer",
]) | st.text(max_size=5)  # fmt: skip
WORDS = st.sampled_from(["True", "False", "Ready", "Available", "Failed", "Running", "Degraded", "Creating"]) | st.text(
    max_size=8
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25)


@given(live=JSON)
def test_anything_at_all_is_answered(live):
    assert isinstance(BOOK.judge(live), Judgement)


@given(kind=st.sampled_from(KINDS), metadata=JSON, spec=JSON, status=JSON)
def test_any_parts_of_any_kind_of_the_library_are_answered(kind, metadata, spec, status):
    live = {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec, "status": status}
    for book in (BOOK, BARE):
        found = book.judge(live)
        assert isinstance(found.state, HealthState)
        assert found.message
        assert "\n" not in found.message


@given(case=st.sampled_from(CASES), status=st.dictionaries(KEYS, JSON, max_size=4))
def test_what_is_remembered_of_other_objects_changes_no_answer(case, status):
    live = {**case, "status": {**(case.get("status") or {}), **status}}
    rule = BOOK.rule_of(case["apiVersion"].rpartition("/")[0], case["kind"])
    assume(rule)
    fresh = dataclasses.replace(rule, _known={})
    assert [rule.judge(read(live)), rule.judge(read(live))] == [fresh.judge(read(live))] * 2


@given(
    kind=st.sampled_from(
        [k for k in KINDS if k[1] not in ("Pod", "Revision", "Service", "Configuration", "Route", "DomainMapping")]
    ),
    name=st.sampled_from(["Ready", "Available", "Healthy"]),
    reason=WORDS,
    more=st.dictionaries(KEYS.filter(lambda key: key != "conditions"), JSON, max_size=4),
    spec=st.dictionaries(KEYS, JSON, max_size=3),
)
def test_what_says_that_it_is_not_ready_is_never_healthy(kind, name, reason, more, spec):
    condition = {"type": name, "status": "False", "reason": reason}
    live = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"generation": 1}, "spec": spec}
    live["status"] = {**more, "observedGeneration": 1, "conditions": [condition]}
    assert BOOK.judge(live).state is not HealthState.HEALTHY
    assert BARE.judge(live).state is not HealthState.HEALTHY


@given(case=st.sampled_from(CASES), name=st.sampled_from(["Degraded", "Failed", "Stalled"]))
def test_what_says_that_it_is_degraded_is_never_healthy(case, name):
    live = json.loads(json.dumps(case))
    status = live.get("status") or {}
    live["status"] = {**status, "conditions": [*status.get("conditions", []), {"type": name, "status": "True"}]}
    assert BOOK.judge(live).state is not HealthState.HEALTHY
    assert BARE.judge(live).state is not HealthState.HEALTHY


@pytest.mark.parametrize(
    "kind", [("apps/v1", "Deployment"), ("example.org/v1", "Thing"), ("gateway.networking.k8s.io/v1", "HTTPRoute")]
)
def test_a_hostile_object_is_answered_quickly_and_not_healthy(kind):
    deep: object = "x"
    for _ in range(3_000):
        deep = {"conditions": [deep], "a": deep} if isinstance(deep, str) else {"a": deep}
    nested: object = "x"
    for _ in range(100_000):
        nested = [nested]
    wide = [{"conditions": [{"type": "Ready", "status": "False"}] * 150}] * 5_000
    for status in (
        {"parents": deep},
        {"parents": nested},
        {"parents": wide},
        {"phase": "x" * 3_000_000},
        {str(n): n for n in range(100_000)},
    ):
        live = {"apiVersion": kind[0], "kind": kind[1], "metadata": {}, "spec": {"replicas": 1}, "status": status}
        assert BOOK.judge(live).state is not HealthState.HEALTHY
