import pytest

from reconciler.documents import check_tree, document_paths, load_tree
from reconciler.documents.guardrails import Guardrails
from reconciler.documents.limits import Limits
from reconciler.errors import Misconfigured

HEAD = "apiVersion: homeostat/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"


def guardrails(name="x", level="loose"):
    return (HEAD.format(kind="Guardrails", name=name) + f"  level: {level}\n").encode()


def test_only_document_files_of_the_known_folders_are_loaded():
    files = {
        "policies/b.yaml": guardrails("b"),
        "policies/a/deep.yml": guardrails("a"),
        "policies/README.md": b"prose",
        "policies/b.cases.yaml": b"not even: [a document",
        "apps/shop/checkout.yaml": b"kind: Service",
    }
    found = load_tree(files)
    assert [item.name for item in found.of(Guardrails)] == ["a", "b"]
    assert found.of(Limits) == ()
    assert found.one(Limits) is None
    assert found.one(Guardrails) is None
    assert document_paths(files) == ("policies/a/deep.yml", "policies/b.yaml")


def test_no_documents_are_an_empty_set():
    assert load_tree({}).documents == ()


@pytest.mark.parametrize("path", ["policies/limits.YAML", "policies/limits.yaml.bak", "policies/limits", "policies/limits.json"])
def test_a_file_that_would_silently_not_be_loaded_is_refused(path):
    with pytest.raises(Misconfigured, match="would not be loaded"):
        load_tree({path: guardrails()})
    with pytest.raises(Misconfigured, match="would not be loaded"):
        document_paths({path: "a blob id"})


@pytest.mark.parametrize("path", ["Policies/limits.yaml", "PLAYBOOKS/x.yaml", "Homeostat.yaml", "homeostat.yml"])
def test_a_folder_or_file_in_another_spelling_is_refused(path):
    with pytest.raises(Misconfigured, match="is written"):
        load_tree({path: guardrails()})


def test_two_documents_of_one_kind_and_name_are_refused_with_both_places():
    with pytest.raises(Misconfigured, match=r"policies/b.yaml:4:9: Guardrails 'x' is already at policies/a.yaml:4"):
        load_tree({"policies/a.yaml": guardrails(), "policies/b.yaml": guardrails()})


def test_a_kind_outside_its_folder_is_refused():
    with pytest.raises(Misconfigured, match="Guardrails does not belong here"):
        load_tree({"playbooks/a.yaml": guardrails()})


def test_the_problems_of_all_files_are_found_together():
    files = {"policies/a.yaml": guardrails(level="lose"), "policies/b.yaml": b"nonsense", "policies/c.yaml": guardrails("c")}
    assert [problem.where for problem in check_tree(files)] == ["policies/a.yaml:6:10", "policies/b.yaml:1:1"]


def test_the_digest_follows_every_byte_and_every_path_and_nothing_else():
    one = load_tree({"policies/a.yaml": guardrails()}).digest()
    assert one == load_tree({"policies/a.yaml": guardrails(), "apps/x.yaml": b"a: 1", "policies/a.md": b"prose"}).digest()
    assert one != load_tree({"policies/a.yaml": guardrails() + b"# a comment\n"}).digest()
    assert one != load_tree({"policies/b.yaml": guardrails()}).digest()
