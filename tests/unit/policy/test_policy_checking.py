import pathlib

import pytest

from reconciler.policy.checking import check_files

ROOT = pathlib.Path(__file__).parents[3]
LIBRARY = {
    str(path.relative_to(ROOT)): path.read_bytes()
    for folder in ("policies", "playbooks")
    for path in sorted((ROOT / folder).glob("*.yaml"))
}
HEAD = "apiVersion: homeostat/v1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"


def document(kind, name, spec):
    return HEAD.format(kind, name, spec).encode()


def test_the_default_library_has_no_problem():
    assert check_files(LIBRARY) == ()


def test_every_condition_that_does_not_compile_is_named_at_once():
    conditions = (
        "{require: {conditions: [{name: a, expression: nope}, {name: b, expression: services}, {name: c, expression: 'true'}]}}"
    )
    found = check_files({"policies/x.yaml": document("MergePolicy", "x", conditions)})
    assert [problem.where for problem in found] == ["policies/x.yaml:4:53", "policies/x.yaml:4:82"]
    assert "undeclared reference" in found[0].message
    assert "must be bool" in found[1].message
    assert "variables here" in found[0].next_step


def test_two_owners_over_two_files_are_named_with_the_place_of_the_second():
    trust = {f"policies/{n}.yaml": document("Trust", n, "{principals: [{name: ada}]}") for n in ("a", "b")}
    (found,) = check_files(trust)
    assert found.where == "policies/b.yaml:4:21"
    assert found.message == "'ada' already belongs to 'ada'"


@pytest.mark.parametrize("path", ["policies/x.cases.yaml", "playbooks/x.cases.yaml"])
def test_a_cases_file_that_cannot_be_read_is_a_problem(path):
    (found,) = check_files({path: document("PolicyCases", "x", "{cases: []}")})
    assert found.where == f"{path}:4:15"


def test_what_does_not_load_is_told_before_what_it_means():
    files = {"policies/a.yaml": b"nonsense", "policies/b.yaml": document("Limits", "b", "{limit: []}")}
    assert [problem.where for problem in check_files(files)] == ["policies/a.yaml:1:1", "policies/b.yaml:4:8"]


OPERATION = "{action: drain, unit: shop, component: checkout, expiresMs: 5}"


def test_an_operation_is_checked_like_every_other_document_before_it_is_merged():
    files = {
        "operations/README.md": b"prose",
        "operations/good-1.yaml": document("Operation", "good-1", OPERATION),
        "operations/Bad_name.yaml": document("Operation", "x", OPERATION),
        "operations/no-act.yaml": document("Operation", "no-act", "{unit: shop, component: checkout, expiresMs: 5}"),
        "operations/other.yaml": document("Limits", "other", "{}"),
    }
    found = check_files(files)
    assert [problem.where.split(":")[0] for problem in found] == [
        "operations/Bad_name.yaml",
        "operations/no-act.yaml",
        "operations/other.yaml",
    ]
    assert "its name is no id" in found[0].message
