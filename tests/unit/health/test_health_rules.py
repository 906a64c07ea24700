"""Rules: which one is asked, in which order, and what happens when it cannot be answered."""

import pytest

from reconciler.documents import load_one
from reconciler.documents.health_rule import HealthRule
from reconciler.errors import Misconfigured
from reconciler.health import HealthBook
from reconciler.health.compiled import View
from reconciler.model.revisions import HealthState

HEAD = "apiVersion: homeostat/v1\nkind: HealthRule\nmetadata: {name: sample}\nspec:\n"


def rule(body, path="health/sample.yaml"):
    text = HEAD + "".join(f"  {line}\n" for line in body.splitlines())
    return load_one(text.encode(), path, HealthRule)


def thing(**parts):
    return {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "a"}, **parts}


def judge(body, live):
    return HealthBook([rule("group: example.org\nkinds: [Thing]\n" + body)], library=False).judge(live)


def condition(name, status, **more):
    return {"type": name, "status": status, **more}


BY_PHASE = """\
states:
  - {state: degraded, when: "word == 'Broken'"}
  - {state: healthy, when: "word == 'Fine'", says: it is fine}
otherwise: progressing"""


def test_the_first_state_that_holds_decides_and_names_its_line():
    found = judge(BY_PHASE, thing(status={"phase": "Fine"}))
    assert (found.state, found.message, found.decided_by) == (HealthState.HEALTHY, "it is fine", "health/sample.yaml:9")


def test_what_no_state_covers_is_what_the_rule_says_otherwise():
    assert judge(BY_PHASE, thing(status={"phase": "New"})).state is HealthState.PROGRESSING


def test_without_otherwise_inference_decides():
    found = judge("states: []", thing(status={"phase": "Failed"}))
    assert (found.state, found.decided_by) == (HealthState.DEGRADED, "inference")


def test_a_condition_that_cannot_be_answered_makes_the_object_unknown_whatever_stands_below_it():
    body = 'states:\n  - {state: degraded, when: "status.missing == 1"}\n  - {state: healthy, when: "true"}'
    found = judge(body, thing(status={}))
    assert found.state is HealthState.UNKNOWN
    assert "status.missing == 1" in found.message


def test_a_condition_that_holds_decides_before_a_later_one_that_cannot_be_answered():
    body = 'states:\n  - {state: degraded, when: "word == \'Broken\'"}\n  - {state: progressing, when: "status.missing == 1"}'
    assert judge(body, thing(status={"phase": "Broken"})).state is HealthState.DEGRADED


def test_a_rule_cannot_call_healthy_what_is_not_ready():
    live = thing(status={"conditions": [condition("Ready", "False")]})
    assert judge('states: [{state: healthy, when: "true"}]', live).state is HealthState.PROGRESSING


def test_a_rule_cannot_call_healthy_what_tells_of_failure():
    live = thing(status={"conditions": [condition("ResolvedRefs", "False", reason="InvalidReference")]})
    assert judge('states: [{state: healthy, when: "true"}]', live).state is HealthState.DEGRADED


def test_a_rule_may_name_the_condition_that_it_knows_better():
    live = thing(status={"conditions": [condition("Ready", "False")]})
    assert judge('states: [{state: healthy, when: "true", despite: [Ready]}]', live).state is HealthState.HEALTHY


@pytest.mark.parametrize(
    "status", [{"error": "no route"}, {"state": "Failed"}, {"parts": [{"state": "Failed"}]}, {"failedNodes": ["a"]}]
)
def test_a_rule_cannot_call_healthy_what_a_field_says_has_failed_unless_it_names_the_field(status):
    live = thing(status={"phase": "Fine", **status})
    assert judge("states: [{state: healthy, when: \"word == 'Fine'\"}]", live).state is HealthState.DEGRADED
    known = f"states: [{{state: healthy, when: \"word == 'Fine'\", despite: [status.{next(iter(status))}]}}]"
    assert judge(known, live).state is HealthState.HEALTHY


ABSENT = "states: [{state: healthy, when: \"!('Broken' in isTrue)\"%s}]\notherwise: progressing"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "healthy"),
        ({"seen": 3}, "healthy"),
        ({"phase": "Zorp"}, "unknown"),
        ({"phase": "Updating"}, "progressing"),
        ({"phase": "Running"}, "healthy"),
        ({"conditions": [condition("Zorped", "True")]}, "unknown"),
        ({"conditions": [condition("Updatable", "True")]}, "healthy"),
        ({"conditions": [condition("Broken", "False")]}, "healthy"),
    ],
)
def test_a_state_that_holds_of_an_object_that_says_nothing_does_not_speak_for_what_is_not_understood(status, state):
    assert judge(ABSENT % "", thing(status=status)).state == state
    assert judge(ABSENT % ", despite: [status.phase, Zorped]", thing(status=status)).state is HealthState.HEALTHY
    positive = "states: [{state: healthy, when: \"metadata.name == 'a'\"}]"
    assert judge(positive, thing(status=status)).state is HealthState.HEALTHY


def test_a_condition_that_a_rule_names_is_understood_by_it():
    live = thing(status={"conditions": [condition("Zorped", "True")]})
    assert judge("states: [{state: healthy, when: \"!('Zorped' in isFalse)\"}]", live).state is HealthState.HEALTHY


def test_a_condition_about_an_older_generation_is_not_known():
    live = thing(status={"conditions": [condition("Ready", "True", observedGeneration=1)]})
    live["metadata"]["generation"] = 2
    assert judge("states: [{state: healthy, when: \"'Ready' in isTrue\"}]\notherwise: progressing", live).state == "progressing"


def test_an_object_behind_its_generation_is_progressing_unless_the_rule_says_that_it_means_nothing():
    live = thing(status={"observedGeneration": 1, "phase": "Fine"})
    live["metadata"]["generation"] = 2
    assert judge(BY_PHASE, live).decided_by == "observedGeneration"
    assert judge("anyGeneration: true\n" + BY_PHASE, live).state is HealthState.HEALTHY


def test_an_object_that_is_being_deleted_is_progressing_before_any_rule():
    live = thing(status={"phase": "Broken"})
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert judge(BY_PHASE, live).decided_by == "deletionTimestamp"


def test_a_rule_in_git_replaces_the_shipped_one():
    own = rule('group: apps\nkinds: [Deployment]\nstates: [{state: suspended, when: "true"}]')
    live = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {}, "status": {}}
    assert HealthBook([own]).judge(live).state is HealthState.SUSPENDED
    assert HealthBook().judge(live).state is HealthState.PROGRESSING


def test_the_exact_group_is_asked_before_a_wildcard_and_the_kind_before_the_star():
    rules = [
        rule('group: "*.example.org"\nkinds: ["*"]\notherwise: degraded'),
        rule('group: a.example.org\nkinds: ["*"]\notherwise: suspended'),
        rule("group: a.example.org\nkinds: [Thing]\notherwise: progressing"),
    ]
    book = HealthBook(rules, library=False)
    asked = [("a.example.org", "Thing"), ("a.example.org", "Other"), ("b.example.org", "Thing"), ("b.c.example.org", "Thing")]
    states = [book.judge({"apiVersion": f"{group}/v1", "kind": kind, "spec": {}}).state for group, kind in asked]
    assert states == ["progressing", "suspended", "degraded", "degraded"]


def test_two_rules_for_one_kind_are_refused_at_the_second():
    with pytest.raises(Misconfigured, match="has a rule already"):
        HealthBook([rule("group: a\nkinds: [Thing]"), rule("group: a\nkinds: [Thing]")])


@pytest.mark.parametrize(
    ("when", "words"), [("phase == 'a'", "phase"), ("status.size()", "bool"), ("status.a.map(x, x) == []", "map")]
)
def test_a_condition_that_does_not_compile_is_refused_with_its_place(when, words):
    with pytest.raises(Misconfigured, match=words) as refused:
        HealthBook([rule(f'group: a\nkinds: [Thing]\nstates:\n  - {{state: healthy, when: "{when}"}}')])
    assert refused.value.where.startswith("health/sample.yaml:8")


def test_an_object_that_is_there_cannot_be_missing():
    with pytest.raises(Misconfigured, match="not missing"):
        HealthBook([rule('group: a\nkinds: [Thing]\nstates: [{state: missing, when: "true"}]')])


def test_a_condition_sees_only_the_fields_that_it_names_so_that_size_does_not_matter():
    live = thing(status={"phase": "Fine", "ready": 1, "log": ["x" * 1_000] * 5_000})
    body = 'states: [{state: healthy, when: "status.ready == 1"}]'
    assert judge(body, live).state is HealthState.HEALTHY
    whole = judge('states: [{state: healthy, when: "size(status) > 0"}]', live)
    assert (whole.state, "more than 1000 items" in whole.message) == (HealthState.UNKNOWN, True)


def test_neighbours_that_are_asked_at_once_hide_no_error():
    body = """\
states:
  - {state: degraded, when: "word == 'Broken'"}
  - {state: progressing, when: "status.missing == 1"}
  - {state: healthy, when: "true"}"""
    assert judge(body, thing(status={"phase": "Fine"})).state is HealthState.UNKNOWN


def test_neighbours_that_do_not_fit_into_one_condition_are_asked_one_by_one():
    clause = '  - {state: degraded, when: "has(status.a) && status.a.exists(x, x == %d) && status.a.exists(x, x > %d)"}'
    body = "states:\n" + "\n".join(clause % (n, n - 1) for n in range(10)) + '\n  - {state: healthy, when: "true"}'
    assert judge(body, thing(status={"a": [9]})).decided_by == "health/sample.yaml:17"
    assert judge(body, thing(status={"a": [10]})).state is HealthState.HEALTHY


def remembering(when, says=""):
    body = f'group: example.org\nkinds: [Thing]\nstates:\n  - {{state: healthy, when: "{when}"{says}}}\notherwise: progressing'
    return HealthBook([rule(body)], library=False).judge


def test_objects_that_look_alike_are_asked_of_the_engine_once_and_each_says_its_own_words(monkeypatch):
    asked, ask = [], View.ask
    monkeypatch.setattr(View, "ask", lambda self, *what: asked.append(what) or ask(self, *what))
    judged = remembering("status.ready == 3")
    found = [judged(thing(status={"ready": n, "message": f"{n} {name}"})) for name in "ab" for n in (2, 3)]
    assert [f.state.value for f in found] == ["progressing", "healthy"] * 2
    assert [f.message for f in found if f.state.value == "progressing"] == ["2 a", "2 b"]
    assert len(asked) == 2


def test_values_that_only_python_calls_equal_are_not_mistaken_for_each_other():
    judged = remembering("type(status.ready) == bool")
    assert [judged(thing(status={"ready": value})).state.value for value in (1, True, 1.0)] == [
        "progressing",
        "healthy",
        "progressing",
    ]


def test_where_only_presence_counts_the_value_may_be_another_and_its_absence_is_seen():
    judged = remembering("has(spec.address) && status.ready")
    answers = [judged(thing(spec=spec, status={"ready": True})) for spec in ({"address": "a"}, {"address": "b"}, {})]
    assert [a.state.value for a in answers] == ["healthy", "healthy", "progressing"]
