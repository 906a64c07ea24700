import pytest

from reconciler.documents import check, load, load_one
from reconciler.documents.freeze import Freeze
from reconciler.documents.guardrails import Guardrails, Level
from reconciler.documents.limits import Limits
from reconciler.documents.schemas import violations
from reconciler.errors import Misconfigured

HEAD = "apiVersion: homeostat/v1\nkind: {kind}\nmetadata:\n  name: x\nspec:\n"
LIMITS = HEAD.format(kind="Limits") + "  limits:\n    - name: replicas\n      field: spec.replicas\n      max: 5\n"


def refused(text):
    with pytest.raises(Misconfigured) as caught:
        load(text.encode() if isinstance(text, str) else text, "policies/x.yaml")
    return caught.value


def test_a_good_document_becomes_a_frozen_model_that_knows_its_places():
    item = load_one(LIMITS.encode(), "policies/x.yaml", Limits)
    assert (item.kind, item.name, item.document.spec.limits[0].max) == ("Limits", "x", 5)
    assert item.at("spec", "limits", 0, "max") == "policies/x.yaml:9"
    assert item.locate("spec", "limits", 0, "max") == "policies/x.yaml:9:12"
    with pytest.raises(ValueError, match="frozen"):
        item.document.spec.limits = ()


def test_a_file_holds_several_documents_in_order():
    both = LIMITS + "---\n" + HEAD.format(kind="Guardrails") + "  level: loose\n"
    first, second = load(both.encode(), "policies/x.yaml")
    assert (first.kind, second.kind, second.document.spec.level) == ("Limits", "Guardrails", Level.LOOSE)
    assert (first.index, second.index) == (0, 1)
    assert second.at("spec", "level") == "policies/x.yaml:16"


def test_an_unknown_key_is_refused_at_its_place_with_the_nearest_valid_key():
    error = refused(LIMITS.replace("field:", "feild:"))
    assert "policies/x.yaml:8:7: spec.limits[0].feild is no field" in str(error) or "field is missing" in str(error)
    problems = check(LIMITS.replace("field:", "feild:").encode(), "policies/x.yaml")
    assert {(p.where, p.next_step) for p in problems} == {
        ("policies/x.yaml:8:7", "did you mean 'field'?"),
        ("policies/x.yaml:7:7", "add it"),
    }


def test_a_key_that_is_near_nothing_gets_the_list_of_valid_keys():
    problems = check((LIMITS + "  zzzz: 1\n").encode(), "policies/x.yaml")
    assert [p.next_step for p in problems] == ["valid here: capacity, limits"]


def test_all_problems_are_found_at_once_and_the_error_counts_them():
    bad = LIMITS.replace("max: 5", "max: five\n      fixed: 3\n      minRatio: 7")
    problems = check(bad.encode(), "policies/x.yaml")
    assert {p.where for p in problems} == {"policies/x.yaml:9:12", "policies/x.yaml:10:14", "policies/x.yaml:11:17"}
    assert "(and 2 more)" in refused(bad).message


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (LIMITS.replace("homeostat/v1", "homeostat/v2"), ":1:13", "apiVersion 'homeostat/v2' is not known"),
        (LIMITS.replace("kind: Limits", "kind: Limit"), ":2:7", "did you mean 'Limits'?"),
        (LIMITS.replace("kind: Limits", "kind: [Limits]"), ":2:7", "is not known"),
        (LIMITS.replace("kind: Limits\n", ""), ":1:1", "'kind' is missing"),
        (LIMITS.replace("apiVersion: homeostat/v1\n", ""), ":1:1", "'apiVersion' is missing"),
        ("[]", ":1:1", "a document is a mapping"),
        ("just text", ":1:1", "a document is a mapping"),
        (LIMITS.replace("max: 5", "max:"), ":9:7", "spec.limits[0].max has no value"),
        (LIMITS.replace("max: 5", "max: ~"), ":9:7", "has no value"),
        (HEAD.format(kind="Limits"), ":5:1", "spec has no value"),
        (LIMITS.replace("name: x", "name: X y"), ":4:9", "metadata.name"),
        (LIMITS.replace("max: 5", "max: 5\n      max: 6"), ":10:7", "twice"),
        (LIMITS.replace("max: 5", "max: 5\n      min: 6"), ":10:12", "is greater than max"),
        (LIMITS.replace("max: 5", "fixed: false"), ":7:7", "a limit needs at least one of"),
        (LIMITS.replace("max: 5", "max: &a 5"), ":9:12", "anchors are not allowed"),
        (b"\xff\xfe", ":1:1", "not UTF-8"),
        (b"a: " + b"[" * 100, "", "nested deeper"),
    ],
)
def test_a_bad_document_is_refused_at_its_place(text, where, words):
    error = refused(text)
    assert f"policies/x.yaml{where}" in error.where
    assert words in str(error)


@pytest.mark.parametrize("value", ["'5'", "yes", "true", "[5]"])
def test_nothing_is_coerced(value):
    error = refused(HEAD.format(kind="Budget") + f"  merges: {value}\n  windowMs: 60000\n")
    assert error.where == "policies/x.yaml:6:11"


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("start: '2026-12-24T18:00Z', end: '2026-12-24T18:00Z'", "never be open"),
        ("start: '2026-02-30T18:00Z', end: '2026-12-24T18:00Z'", "no date of the calendar"),
        ("start: '18:00', end: '2026-12-24T18:00Z'", "no time like"),
        ("start: '25:00', end: '06:00', days: [fri]", "no time like 18:00"),
        ("start: '18:00', end: '06:00', days: [friday]", "days"),
    ],
)
def test_a_window_that_could_never_be_meant_is_refused(window, words):
    text = HEAD.format(kind="Freeze") + f"  reason: night\n  windows:\n    - {{{window}}}\n"
    assert words in str(refused(text))


def test_the_wrong_kind_or_number_of_documents_is_refused():
    with pytest.raises(Misconfigured, match="expected one Freeze, found Limits"):
        load_one(LIMITS.encode(), "x.yaml", Freeze)
    with pytest.raises(Misconfigured, match="expected one Guardrails, found nothing"):
        load_one(b"", "x.yaml", Guardrails)


def test_two_principals_never_share_a_name_key_or_address():
    people = "  principals:\n    - {name: ada, emails: [a@x.y]}\n    - {name: bob, emails: [A@x.y]}\n"
    error = refused(HEAD.format(kind="Trust") + people)
    assert error.where == "policies/x.yaml:8:7"
    assert "already belongs to 'ada'" in str(error)


def test_the_published_schema_agrees_with_the_model_about_a_good_document():
    assert violations(load_one(LIMITS.encode(), "x.yaml", Limits)) == ()


def test_a_union_that_no_arm_fits_is_one_problem_and_not_one_for_each_arm():
    text = (
        HEAD.format(kind="PolicyCases")
        + "  cases:\n    - {name: a, given: {moves: [{field: f, before: [1]}]}, expect: {effect: deny, reason: limit}}\n"
    )
    assert len(check(text.encode(), "policies/x.cases.yaml")) == 1
