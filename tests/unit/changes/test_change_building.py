"""A proposal becomes one signed commit, is rebuilt when the base moves, and is pictured as a diff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.changes.building import Author, Rebuilt, affected_trees, branch_name, build, commit_message, rebuild, subject_of
from reconciler.changes.diffs import unified_diff
from reconciler.errors import Permanent
from reconciler.model.canonical import digest
from reconciler.model.proposals import (
    BlastRadius,
    Edit,
    EditKind,
    Expectation,
    FileEdit,
    Impact,
    Irreversibility,
    Proposal,
    Refusal,
)
from reconciler.model.reasons import Reason
from reconciler.ports.repo import MACHINE, Identity, Repo
from reconciler.testing.signing import MemorySigner

PATH = "apps/shop/checkout.yaml"
BEFORE, AFTER = b"spec:\n  release: 2 # pinned\n", b"spec:\n  release: 1 # pinned\n"
FILES: Mapping[str, bytes | None] = {PATH: AFTER}
UNITS = {"shop": "apps/shop", "edge": "apps/edge", "shopping": "apps/shopping"}
AUTHOR = Author(MemorySigner("author"), 5_000, "sha256:checkpoint")
PERSON = Identity("Ada", "ada@example.org")


def a_proposal(**changes: object) -> Proposal:
    files = (FileEdit(PATH, digest(BEFORE), digest(AFTER)),)
    made = Proposal(
        id="p", incident="i-1", fingerprint="sha256:f", playbook="rollback-release", title="Roll back checkout", cause="release",
        component="checkout", confidence="0.9", edits=(Edit(EditKind.SET, PATH, 0, ("spec", "release"), 2, 1),), files=files,
        patch=digest(list(files)), base="b" * 40, blast=BlastRadius(("checkout",), (), ("shop",), 1, Impact.LOW),
        irreversibility=Irreversibility.REVERSIBLE, expectation=Expectation((), ()), predicted="p99 falls",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def repo(tmp_path: Path) -> PygitRepo:
    return PygitRepo(init_bare(tmp_path / "infra.git", author=AUTHOR.signer.public))


@pytest.fixture
def base(repo: Repo) -> str:
    return repo.write("", {PATH: BEFORE, "apps/shop/cart.yaml": b"c", "apps/edge/gateway.yaml": b"g"}, "root", PERSON, 0, None)


def push(repo: Repo, base: str, files: Mapping[str, bytes | None]) -> str:
    return repo.write(base, files, "a person's work", PERSON, 1_000, None)


def test_it_builds_one_signed_machine_commit_on_the_base(repo: PygitRepo, base: str):
    built = build(repo, base, a_proposal(), FILES, UNITS, AUTHOR)
    info = repo.commit(built.head)
    assert info is not None
    assert (info.parents, info.author_email, bool(info.signature)) == ((base,), MACHINE.email, True)
    assert dict(repo.touched(built.head)).keys() == {PATH}
    assert built.trees == (("shop", repo.tree(built.head, "apps/shop")),)


def test_a_repeated_step_builds_the_same_commit(repo: PygitRepo, base: str):
    assert build(repo, base, a_proposal(), FILES, UNITS, AUTHOR) == build(repo, base, a_proposal(), FILES, UNITS, AUTHOR)


def test_the_subject_is_exactly_what_was_built(repo: PygitRepo, base: str):
    built = build(repo, base, a_proposal(), FILES, UNITS, AUTHOR)
    subject = subject_of("infra", "main", built, "sha256:policy")
    assert (subject.base, subject.head, subject.edit, subject.policy) == (base, built.head, built.edit, "sha256:policy")


@pytest.mark.parametrize("files", [{}, {PATH: b"other"}, {PATH: AFTER, "policies/x.yaml": b"smuggled"}, {PATH: None}])
def test_other_files_than_the_proposals_are_refused(repo: PygitRepo, base: str, files: Mapping[str, bytes | None]):
    with pytest.raises(Permanent, match="not those of the proposal"):
        build(repo, base, a_proposal(), files, UNITS, AUTHOR)


def test_a_patch_that_is_not_the_digest_of_its_files_is_refused(repo: PygitRepo, base: str):
    with pytest.raises(Permanent, match="not those of the proposal"):
        build(repo, base, a_proposal(patch="sha256:other"), FILES, UNITS, AUTHOR)


def test_a_base_that_is_not_as_proposed_on_is_refused(repo: PygitRepo, base: str):
    with pytest.raises(Permanent, match=r"checkout\.yaml is not as the proposal found it"):
        build(repo, push(repo, base, {PATH: b"x"}), a_proposal(), FILES, UNITS, AUTHOR)


def test_doing_nothing_builds_nothing(repo: PygitRepo, base: str):
    with pytest.raises(Permanent, match="no commit"):
        build(repo, base, a_proposal(files=()), {}, UNITS, AUTHOR)


def test_an_unrelated_push_leaves_the_same_edit(repo: PygitRepo, base: str):
    old = build(repo, base, a_proposal(), FILES, UNITS, AUTHOR)
    moved = push(repo, base, {"apps/edge/gateway.yaml": b"g2"})
    again = rebuild(repo, old, moved, a_proposal(), FILES, UNITS, AUTHOR)
    assert isinstance(again, Rebuilt)
    assert again.same_edit
    assert (again.built.base, again.built.edit) == (moved, old.edit)
    assert again.built.head != old.head


def test_a_push_within_the_unit_is_another_edit(repo: PygitRepo, base: str):
    old = build(repo, base, a_proposal(), FILES, UNITS, AUTHOR)
    again = rebuild(repo, old, push(repo, base, {"apps/shop/cart.yaml": b"c2"}), a_proposal(), FILES, UNITS, AUTHOR)
    assert isinstance(again, Rebuilt)
    assert not again.same_edit


def test_a_push_to_the_edited_file_is_refused_with_its_name(repo: PygitRepo, base: str):
    old = build(repo, base, a_proposal(), FILES, UNITS, AUTHOR)
    again = rebuild(repo, old, push(repo, base, {PATH: b"theirs"}), a_proposal(), FILES, UNITS, AUTHOR)
    assert again == Refusal("rollback-release", Reason.BASE_MOVED, f"{PATH} was altered by others meanwhile", PATH)


def test_files_outside_units_are_bound_by_their_top_folder(repo: PygitRepo, base: str):
    head = push(repo, base, {"policies/m.yaml": b"1", "README.md": b"2"})
    trees = affected_trees(repo, head, ["policies/m.yaml", "README.md", PATH], UNITS)
    assert trees == (("/", repo.tree(head)), ("/policies", repo.tree(head, "policies")), ("shop", repo.tree(head, "apps/shop")))


def test_branch_names_are_safe_and_one_for_each_fingerprint():
    evil = a_proposal(component="../; rm -rf\u202e", playbook="..")
    assert branch_name(evil).startswith("homeostat/rm-rf-")
    assert branch_name(evil).replace("homeostat/", "").replace("-", "").isalnum()
    assert branch_name(a_proposal(component="", playbook="")).startswith("homeostat/repair-")
    assert branch_name(a_proposal()) == branch_name(a_proposal(id="q"))
    assert branch_name(a_proposal()) != branch_name(a_proposal(fingerprint="sha256:g"))


def test_trailers_lead_to_the_record(repo: PygitRepo, base: str):
    info = repo.commit(build(repo, base, a_proposal(is_revert_of="d" * 40), FILES, UNITS, AUTHOR).head)
    assert info is not None
    names = ("Incident", "Playbook", "Patch", "Fingerprint", "Checkpoint", "Reverts")
    values = [info.trailer(f"Homeostat-{name}") for name in names]
    assert values == ["i-1", "rollback-release", a_proposal().patch, "sha256:f", "sha256:checkpoint", "d" * 40]


def test_text_from_outside_forges_no_trailer():
    forged = "Homeostat-Reverts: " + "e" * 40
    message = commit_message(a_proposal(title=forged, predicted=f"x\n{forged}", incident=f"i\n{forged}"))
    assert not [line for line in message.splitlines() if line.startswith("Homeostat-Reverts")]
    assert len(message.splitlines()[0]) <= 80


def test_the_diff_shows_the_one_line_that_changed(repo: PygitRepo, base: str):
    built = build(repo, base, a_proposal(), FILES, UNITS, AUTHOR)
    expected = f"--- a/{PATH}\n+++ b/{PATH}\n@@ -1,2 +1,2 @@\n spec:\n-  release: 2 # pinned\n+  release: 1 # pinned\n"
    assert unified_diff(repo, base, built.head) == expected


def test_the_diff_shows_what_is_added_removed_hidden_and_unended(repo: PygitRepo, base: str):
    head = push(repo, base, {PATH: None, "new": b"\xff\x1b[31m\xe2\x80\xae", "empty": b""})
    text = unified_diff(repo, base, head)
    assert "+\\xff\\x1b[31m\\u202e  (no line end)" in text
    assert f"--- a/{PATH}\n+++ /dev/null" in text
    assert "+++ b/empty" in text


def test_the_diff_is_capped(repo: PygitRepo, base: str):
    big = push(repo, base, {"long": b"x\n" * 5_000, **{f"many/{n:03}": b"x" * 3_000 for n in range(60)}})
    text = unified_diff(repo, base, big)
    assert "too long to show" in text
    assert "more files" in text
    assert len(text) < 110_000
    assert "the rest is too long" in unified_diff(repo, base, push(repo, base, {f"m/{n}": b"y" * 9_000 for n in range(20)}))
