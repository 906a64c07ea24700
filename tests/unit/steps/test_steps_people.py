"""Who people are, by the Trust documents alone: no other document stands between somebody and the brake."""

import pygit2
import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.documents.people import People
from reconciler.errors import Misconfigured
from reconciler.ports.repo import Identity
from reconciler.steps.rulebooks import Rulebooks

ADA = Identity("Ada", "ada@example.invalid")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXyyockFVhoS2paHHN1SU3gsmDjkb9nXLSZ8RB6Aea1"
HEAD = "apiVersion: homeostat/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
BROKEN = b"apiVersion: homeostat/v1\nkind: Quorum\nmetadata: {name: quorum}\nspec: {nothing: known}\n"


def trust(person: str, kind: str = "Trust", name: str = "trust") -> bytes:
    spec = f"spec: {{principals: [{{name: {person}, keys: [{{public: {KEY}}}], roles: [operate]}}]}}\n"
    return (HEAD.format(kind=kind, name=name) + spec).encode()


@pytest.fixture
def repo(tmp_path):
    pygit2.init_repository(str(tmp_path / "infra.git"), bare=True)
    return PygitRepo(tmp_path / "infra.git")


def known(repo: PygitRepo, *edits: dict[str, bytes | None]) -> People:
    """After these commits, one on the other."""
    head = ""
    for at, files in enumerate(edits):
        head = repo.write(head, files, f"edit {at}", ADA, at * 1_000, None)
    return Rulebooks(repo).people(head)


def named(found: People) -> list[str]:
    return [person.name for person in found.principals]


@pytest.mark.parametrize("broken", ["policies/quorum.yaml", "playbooks/all.yaml", "homeostat.yaml"])
def test_another_document_that_is_broken_hides_no_change_of_trust(repo, broken):
    first = {"policies/trust.yaml": trust("ada")}
    assert named(known(repo, first, {"policies/trust.yaml": trust("bob"), broken: BROKEN})) == ["bob"]


@pytest.mark.parametrize(
    "later",
    [
        {"policies/trust.yaml": b"kind: [Trust"},
        {"policies/trust.yaml": trust("mallory").replace(b"homeostat/v1", b"homeostat/v2")},
        {"policies/more.yaml": trust("ada", name="more")},
        {"policies/more.YAML": trust("mallory", name="more")},
        {"policies/trust.yaml": None, "README.md": b"all rules are gone"},
    ],
    ids=["no YAML", "another version", "one key of two people", "not loaded by its name", "no folder"],
)
def test_where_trust_itself_does_not_load_those_count_who_were_known_before(repo, later):
    assert named(known(repo, {"policies/trust.yaml": trust("ada")}, later)) == ["ada"]


def test_a_trust_document_is_found_in_any_file_however_its_kind_is_written(repo):
    hidden = trust("mallory", kind='"Tr\\u0075st"')
    assert named(known(repo, {"policies/a.yaml": b"# first\n---\n" + hidden, "policies/b.yaml": BROKEN})) == ["mallory"]


def test_a_person_who_was_removed_is_nobody_for_whoever_asked_before(repo):
    books = Rulebooks(repo)
    first = repo.write("", {"policies/trust.yaml": trust("ada")}, "first", ADA, 0, None)
    second = repo.write(first, {"policies/trust.yaml": None, "policies/NOTES.md": b"-"}, "second", ADA, 1_000, None)
    assert [named(books.people(commit)) for commit in (first, second, first)] == [["ada"], [], ["ada"]]


def test_without_any_trust_that_loads_it_says_where_to_look(repo):
    with pytest.raises(Misconfigured, match="policy check"):
        known(repo, {"policies/trust.yaml": b"kind: [Trust"})
