import pathlib

import pytest

from reconciler.documents import is_cases, load, load_tree
from reconciler.documents.autonomy import Mode
from reconciler.documents.freeze import Window, instant_ms, open_until
from reconciler.documents.policy_cases import EarlierMerge, Given
from reconciler.documents.schemas import violations
from reconciler.errors import Misconfigured
from reconciler.model.judging import Effect
from reconciler.model.reasons import Reason
from reconciler.policy.cases import decide, load_cases, run_cases
from reconciler.policy.explaining import explain
from reconciler.policy.protected import protected_paths
from reconciler.policy.rules import policy_set

LIBRARY = pathlib.Path(__file__).parents[3] / "policies"
FILES = {f"policies/{path.name}": path.read_bytes() for path in sorted(LIBRARY.glob("*.yaml"))}


def document(kind, spec, name="x"):
    return f"apiVersion: homeostat/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def rules(*documents):
    return policy_set(load_tree({"policies/x.yaml": "---\n".join(documents).encode()}))


def test_every_case_of_the_default_library_holds():
    results = run_cases(policy_set(load_tree(FILES)), load_cases(FILES))
    assert len(results) > 30
    assert [(result.where, result.difference) for result in results if not result.ok] == []


@pytest.mark.parametrize("path", [path for path in FILES if not is_cases(path) and "quorum" not in path])
def test_every_document_of_the_default_library_has_cases_and_agrees_with_the_published_schemas(path):
    assert path.replace(".yaml", ".cases.yaml") in FILES
    for item in (*load(FILES[path], path), *load(FILES[path.replace(".yaml", ".cases.yaml")], path)):
        assert violations(item) == ()


def test_a_case_that_does_not_hold_says_how_it_differs_and_why():
    text = document(
        "PolicyCases",
        "{cases: [{name: wrong, expect: {effect: merge, reason: nonsense, requirements: [{name: zz, status: error}]}}]}",
    )
    (result,) = run_cases(rules(), load(text.encode(), "policies/x.cases.yaml"))
    assert not result.ok
    assert result.where == "policies/x.cases.yaml:4"
    assert "'nonsense' is no reason" in result.difference
    assert "effect is shadow, expected merge" in result.difference
    assert "zz is not asked, expected error" in result.difference
    assert "missing for autonomy" in result.explanation


def test_an_explanation_names_what_is_missing_with_its_command_and_every_line_with_its_values_and_place():
    text = explain(decide(rules(document("Autonomy", "{rules: [{playbooks: ['*'], mode: review}]}")), Given()))
    assert text.startswith("policy: waits for a person (autonomy; rule: policies/x.yaml:4)\n")
    assert "missing for autonomy: an approval by a person: homeostat pr approve NUMBER" in text
    assert "[FAIL] autonomy" in text
    assert "mode = review" in text
    assert "(policies/x.yaml:4)" in text


@pytest.mark.parametrize(
    ("rule", "playbook", "unit", "mode"),
    [
        ("[{playbooks: ['*'], mode: review}]", "p", "u", Mode.REVIEW),
        ("[{playbooks: [q], mode: autonomous}]", "p", "u", Mode.SHADOW),
        ("[{playbooks: [p], units: [v], mode: autonomous}]", "p", "u", Mode.SHADOW),
        ("[{playbooks: ['*'], mode: shadow}, {playbooks: [p], mode: autonomous}]", "p", "u", Mode.AUTONOMOUS),
        ("[{playbooks: ['*'], mode: autonomous}, {playbooks: [p], mode: shadow}]", "p", "u", Mode.SHADOW),
        ("[{playbooks: ['*'], units: [u], mode: autonomous}, {playbooks: ['*'], mode: review}]", "p", "u", Mode.AUTONOMOUS),
        ("[{playbooks: ['*'], units: [u], mode: autonomous}, {playbooks: [p], mode: review}]", "p", "u", Mode.REVIEW),
        ("[{playbooks: [p], mode: autonomous}, {playbooks: [p], mode: shadow}]", "p", "u", Mode.SHADOW),
        ("[]", "p", "u", Mode.SHADOW),
    ],
)
def test_the_rule_that_names_more_counts_and_the_strictest_among_equals(rule, playbook, unit, mode):
    assert rules(document("Autonomy", f"{{rules: {rule}}}")).grant(playbook, unit).mode is mode


def test_an_edit_of_several_units_gets_the_strictest_of_their_modes():
    opened = rules(document("Autonomy", "{rules: [{playbooks: [scale-out], units: [shop], mode: autonomous}]}"))
    assert decide(opened, Given(units=("shop", "edge"))).effect is Effect.SHADOW


def test_a_condition_that_does_not_compile_refuses_the_whole_set_at_its_place():
    bad = document("MergePolicy", "{require: {conditions: [{name: a, expression: 'services < 2.5'}]}}")
    with pytest.raises(Misconfigured, match=r"policies/x.yaml:4:.*no matching overload") as caught:
        rules(bad)
    assert "mergesLastHour" in caught.value.next_step


def test_two_conditions_of_one_policy_cannot_share_a_name():
    twice = document("MergePolicy", "{require: {conditions: [{name: a, expression: 'true'}, {name: a, expression: 'true'}]}}")
    with pytest.raises(Misconfigured, match=r"policies/x.yaml:4:.*already taken"):
        rules(twice)


def test_a_budget_for_critical_repairs_counts_only_those():
    critical = rules(document("Budget", "{merges: 1, windowMs: 3600000, criticalOnly: true, per: all}"))
    quiet, hot = EarlierMerge(ago_ms=100_000), EarlierMerge(ago_ms=100_000, critical=True)
    given = Given(autonomy=Mode.AUTONOMOUS, critical=True)
    assert decide(critical, given.model_copy(update={"merges": (quiet,)})).effect is Effect.MERGE
    assert decide(critical, given.model_copy(update={"merges": (hot,)})).reason == Reason.BUDGET


def test_a_condition_binding_for_everyone_denies_and_one_for_people_waits_for_them():
    people = document("MergePolicy", "{require: {conditions: [{name: a, expression: services > 1, message: two services}]}}")
    assert (decide(rules(people), Given(autonomy=Mode.AUTONOMOUS)).effect) is Effect.REVIEW
    decision = decide(rules(people.replace("message: two services", "person: false")), Given(autonomy=Mode.AUTONOMOUS))
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.DENIED)


@pytest.mark.parametrize(
    ("spec", "merges", "effect"),
    [
        ("{merges: 1, windowMs: 60000}", [(59_000, "shop", "scale-out", False)], Effect.WAIT),
        ("{merges: 1, windowMs: 60000}", [(60_000, "shop", "scale-out", False)], Effect.MERGE),
        ("{merges: 1, windowMs: 60000}", [(1, "edge", "scale-out", False)], Effect.MERGE),
        ("{merges: 1, windowMs: 60000, per: all}", [(1, "edge", "restart", False)], Effect.WAIT),
        ("{merges: 1, windowMs: 60000, per: playbook}", [(1, "edge", "restart", False)], Effect.MERGE),
        ("{merges: 1, windowMs: 60000, per: playbook}", [(1, "edge", "scale-out", False)], Effect.WAIT),
        ("{merges: 0, windowMs: 60000}", [], Effect.WAIT),
        ("{merges: 0, windowMs: 60000, match: {playbooks: [restart]}}", [], Effect.MERGE),
        ("{merges: 0, windowMs: 60000, criticalOnly: true}", [], Effect.MERGE),
        ("{merges: 1, windowMs: 60000, match: {units: [edge]}}", [(1, "edge", "scale-out", False)], Effect.MERGE),
        ("{merges: 1, windowMs: 60000, match: {units: [shop]}}", [(1, "shop", "restart", False)], Effect.WAIT),
        ("{merges: 1, windowMs: 60000, match: {playbooks: [scale-out]}}", [(1, "shop", "restart", False)], Effect.MERGE),
        ("{merges: 1, windowMs: 60000}", [(-5_000, "shop", "scale-out", False)], Effect.WAIT),  # from the future: counted
    ],
)
def test_a_budget_counts_what_it_is_about_in_its_window(spec, merges, effect):
    now = instant_ms("2026-06-03T12:00Z")
    spent = tuple(
        EarlierMerge.model_construct(ago_ms=ago, units=(unit,), playbook=book, critical=hot) for ago, unit, book, hot in merges
    )
    decision = decide(rules(document("Budget", spec)), Given(autonomy=Mode.AUTONOMOUS).model_copy(update={"merges": spent}))
    assert decision.effect is effect
    if effect is Effect.WAIT:
        assert decision.reason == Reason.BUDGET
        assert decision.again_ms > now


def test_a_budget_for_critical_repairs_alone_leaves_the_built_in_one_in_force():
    critical = rules(document("Budget", "{merges: 100, windowMs: 60000, criticalOnly: true}"))
    spent = (EarlierMerge(ago_ms=100_000),) * 6
    assert decide(critical, Given(autonomy=Mode.AUTONOMOUS, merges=spent)).reason == Reason.BUDGET


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-06-05T17:59Z", ""),  # a Friday
        ("2026-06-05T18:00Z", "2026-06-06T06:00Z"),
        ("2026-06-06T05:59Z", "2026-06-06T06:00Z"),
        ("2026-06-06T06:00Z", ""),
        ("2026-06-06T18:30Z", ""),
    ],
)
def test_a_weekly_window_opens_on_its_day_and_closes_the_next_morning(now, until):
    window = Window(start="18:00", end="06:00", days=("fri",))
    assert open_until(window, instant_ms(now)) == (instant_ms(until) if until else 0)


def test_a_window_from_and_to_the_same_time_of_day_is_a_whole_day():
    window = Window(start="00:00", end="00:00", days=("sat",))
    assert open_until(window, instant_ms("2026-06-06T23:59Z")) == instant_ms("2026-06-07T00:00Z")
    assert open_until(window, instant_ms("2026-06-07T00:00Z")) == 0


@pytest.mark.parametrize(
    "path",
    [
        "policies/limits.yaml",
        "Policies/limits.yaml",
        "POLICIES/x/y.yaml",
        "./policies/x.yaml",
        "policies//x.yaml",
        "a/../policies/x.yaml",
        "/policies/x.yaml",
        "policies\\x.yaml",
        "pol\u200bicies/x.yaml",
        "\uff50\uff4f\uff4c\uff49\uff43\uff49\uff45\uff53/x.yaml",
        "polici\u0065\u0301s/x.yaml",
        "policies./x.yaml",
        "policies /x.yaml",
        "playbooks/restart.yaml",
        "sensors/x.yaml",
        "health/x.yaml",
        "homeostat.yaml",
        "HomeoStat.YAML",
        "CODEOWNERS",
        ".github/workflows/x.yml",
        "docs/CODEOWNERS",
        "ci/check",
        "Jenkinsfile",
        ".circleci/config.yml",
        ".gitattributes",
        "x:y",
        "",
    ],
)
def test_rules_are_protected_in_every_spelling(path):
    assert protected_paths([path]) == (path,)


@pytest.mark.parametrize("path", ["apps/shop/checkout.yaml", "apps/policies.yaml", "operations/x.yaml", "my-policies/x.yaml"])
def test_ordinary_files_are_not_protected(path):
    assert protected_paths([path]) == ()


def test_a_repository_can_protect_more():
    assert protected_paths(["Vault/x", "apps/a"], more=["vault/"]) == ("Vault/x",)


@pytest.mark.parametrize(
    ("given", "about", "effect"),
    [
        (Given(at="2026-06-05T22:30Z"), "service-*", Effect.WAIT),
        (Given(at="2026-06-05T23:00Z"), "service-*", Effect.MERGE),
        (Given(at="2026-06-05T22:30Z"), "elsewhere", Effect.MERGE),
        (Given(at="2026-06-05T22:30Z", approved_by=("ada",)), "service-*", Effect.MERGE),
        (Given(at="2026-06-05T22:30Z", reverts=True), "service-*", Effect.MERGE),
    ],
    ids=["worked on", "over", "something else is", "a person approves", "an undo"],
)
def test_a_repair_of_what_people_work_on_waits_for_them(given, about, effect):
    window = '{start: "2026-06-05T22:00Z", end: "2026-06-05T23:00Z"}'
    work = document("Maintenance", f'{{components: ["{about}"], reason: a move, windows: [{window}]}}')
    trust = document("Trust", "{principals: [{name: ada, roles: [approve, merge]}]}")
    found = decide(rules(work, trust), given.model_copy(update={"autonomy": Mode.AUTONOMOUS}))
    assert found.effect is effect
    if effect is Effect.WAIT:
        assert found.reason == Reason.MAINTENANCE
        (line,) = (item for item in found.requirements if item.name == "maintenance/x")
        assert ("worked on until", str(instant_ms("2026-06-05T23:00Z"))) in line.values
