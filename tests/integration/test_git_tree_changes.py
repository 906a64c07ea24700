"""What a commit changed, compared with what libgit2's own diff says, over random trees of files, links and folders."""

from __future__ import annotations

import random
from pathlib import Path

import pygit2
from pygit2.enums import DeltaStatus, FileMode

from reconciler.adapters.repos.commits import tree_changes

MODES = (FileMode.BLOB, FileMode.BLOB, FileMode.BLOB_EXECUTABLE, FileMode.LINK)


def _tree(git: pygit2.Repository, chance: random.Random, depth: int = 0) -> pygit2.Oid:
    builder = git.TreeBuilder()
    for name in "abcde":
        roll = chance.random()
        if roll < 0.3:
            builder.insert(name, git.create_blob(bytes([chance.randrange(3)])), chance.choice(MODES))
        elif roll < 0.6 and depth < 3:
            builder.insert(name, _tree(git, chance, depth + 1), FileMode.TREE)
    return builder.write()


def _by_libgit2(old: pygit2.Tree | None, new: pygit2.Tree) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    diff = old.diff_to_tree(new) if old is not None else new.diff_to_tree(swap=True)
    for delta in diff.deltas:
        before = "" if delta.status == DeltaStatus.ADDED else str(delta.old_file.id)
        after = "" if delta.status == DeltaStatus.DELETED else str(delta.new_file.id)
        known = found.get(delta.new_file.path, ("", ""))
        found[delta.new_file.path] = (before or known[0], after or known[1])
    return found


def test_changes_of_trees_are_those_that_libgit2_finds(tmp_path: Path) -> None:
    git, chance = pygit2.init_repository(str(tmp_path), bare=True), random.Random(7)
    trees = [t for _ in range(25) if isinstance(t := git[_tree(git, chance)], pygit2.Tree)]
    for old in (None, *trees):
        for new in trees:
            assert tree_changes(old, new) == _by_libgit2(old, new)


def test_an_equal_folder_is_not_opened(tmp_path: Path) -> None:
    git = pygit2.init_repository(str(tmp_path), bare=True)
    made, missing = [], None
    for data in (b"one", b"two"):
        builder = git.TreeBuilder()
        builder.insert("note", git.create_blob(data), FileMode.BLOB)
        folder = git.TreeBuilder()
        folder.insert("x", git.create_blob(b"x"), FileMode.BLOB)
        missing = folder.write()
        builder.insert("folder", missing, FileMode.TREE)
        made.append(builder.write())
    inside = tmp_path / "objects" / str(missing)[:2] / str(missing)[2:]
    inside.unlink()

    fresh = pygit2.Repository(str(tmp_path))
    old, new = (fresh[oid] for oid in made)

    assert isinstance(old, pygit2.Tree)
    assert isinstance(new, pygit2.Tree)
    assert list(tree_changes(old, new)) == ["note"]
