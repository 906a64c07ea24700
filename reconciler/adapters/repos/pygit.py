"""PygitRepo: port `Repo` on one bare repository. Objects, trees and single refs through libgit2, several refs at once
and maintenance through the git program.

In and out are plain values; no libgit2 object leaves. Reads are of trees and never of a work tree. Writes flush to the
disk before they return. Nothing unreachable is ever thrown away by `maintain`: what a crash left unreferenced may be
what the next step is about to reference.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pygit2

from reconciler.adapters.repos import commits, refs, trees
from reconciler.adapters.repos.libgit import Handles, find_commit, intact, need_commit, parent_of, prepare, run_git
from reconciler.errors import Permanent, Retryable
from reconciler.model.revisions import CommitInfo
from reconciler.ports.repo import Identity, RefMove, Repo
from reconciler.ports.signing import Signer

WORTH_KEEPING = 64 * 1024  # bytes: a file this large costs milliseconds to unpack, and homeostat.yaml is asked for every time


class PygitRepo:
    """Port `Repo`. Safe to share between threads: each gets its own handle."""

    def __init__(self, path: Path | str) -> None:
        prepare()
        self.path = Path(path).resolve()
        self._handles = Handles(self.path)
        self._kept: tuple[str, bytes] | None = None  # the last large blob, by its id: content never changes under an id
        if not self._git.is_bare:
            raise Permanent(f"{self.path} is no bare repository", next_step="point at the .git folder made by 'homeostat init'")
        if os.access(self.path, os.W_OK):  # a reader without write access clears nothing
            with refs.sole_writer(self.path):
                refs.clear_orphans(self.path)

    @property
    def _git(self) -> pygit2.Repository:
        return self._handles.git

    def ref(self, name: str) -> str | None:
        return refs.read_ref(self._git, name)

    def refs(self, prefix: str) -> Mapping[str, str]:
        return refs.read_refs(self._git, prefix)

    def commit(self, commit: str) -> CommitInfo | None:
        found = find_commit(self._git, commit)
        return commits.describe(found) if found is not None else None

    def tree(self, commit: str, path: str = "") -> str | None:
        entry = self._entry(commit, path)
        return str(entry.id) if isinstance(entry, pygit2.Tree) else None

    def read(self, commit: str, path: str) -> bytes | None:
        found = find_commit(self._git, commit)
        if found is None:
            return None
        blob = trees.find_path(self._root(found), path)
        return self.blob(blob) if blob else None

    def files(self, commit: str, under: str = "") -> Mapping[str, str]:
        entry = self._entry(commit, under)
        return trees.list_files(entry, under) if isinstance(entry, pygit2.Tree) else {}

    def blob(self, blob: str) -> bytes:
        kept = self._kept
        if kept is not None and kept[0] == blob:
            return kept[1]
        data = trees.read_blob(self._git, blob)
        if len(data) >= WORTH_KEEPING:
            self._kept = (blob, data)
        return data

    def history(self, commit: str, *, limit: int = 50, path: str = "") -> Sequence[CommitInfo]:
        return commits.first_parents(self._git, commit, limit, path)

    def between(self, old: str, new: str) -> Sequence[CommitInfo]:
        return commits.commits_between(self._git, old, new)

    def touched(self, commit: str) -> Mapping[str, tuple[str, str]]:
        found = need_commit(self._git, commit)
        return self._changes(parent_of(self._git, found), found)

    def changed(self, old: str, new: str) -> Mapping[str, tuple[str, str]]:
        """Path to (blob at `old`, blob at `new`); `old` may be "" for an empty tree."""
        return self._changes(need_commit(self._git, old) if old else None, need_commit(self._git, new))

    def is_ancestor(self, old: str, new: str) -> bool:
        ours, theirs = need_commit(self._git, old), need_commit(self._git, new)
        with intact(f"history of {new}"):
            return bool(ours.id == theirs.id or self._git.descendant_of(theirs.id, ours.id))

    def write(
        self,
        base: str,
        files: Mapping[str, bytes | None],
        message: str,
        author: Identity,
        time_ms: int,
        signer: Signer | None,
        *,
        also: Sequence[str] = (),
    ) -> str:
        git = self._git
        parent = need_commit(git, base) if base else None
        root = self._root(parent) if parent is not None else None
        tree = trees.write_tree(git, root, trees.plan_of(files)) or git.TreeBuilder().write()
        parents = [*([base] if base else []), *(str(need_commit(git, other).id) for other in also)]
        return commits.write_commit(git, tree, parents, message, (author, time_ms), signer)

    def revert(self, commit: str, onto: str) -> Mapping[str, bytes | None] | None:
        return commits.undo(self._git, commit, onto)

    def move(self, moves: Sequence[RefMove]) -> bool:
        return refs.move_refs(self.path, self._git, moves)

    @contextmanager
    def aside(self) -> Iterator[Repo]:
        with tempfile.TemporaryDirectory(prefix="homeostat-aside-") as folder:
            pygit2.init_repository(folder, bare=True)
            Path(folder, "objects/info/alternates").write_text(f"{self.path / 'objects'}\n", encoding="utf-8")
            yield PygitRepo(folder)

    def maintain(self) -> None:
        with refs.sole_writer(self.path):
            refs.clear_orphans(self.path)
            self._run("pack-refs", "--all", "--prune")
        self._run("repack", "-a", "-d", "-k", "-q")

    def _run(self, *arguments: str) -> None:
        done = run_git(self.path, arguments, timeout_s=600)
        if done.returncode != 0:
            raise Retryable(
                f"git {arguments[0]} failed on {self.path}: {done.stderr.strip()}", next_step="check free space, run 'git fsck'"
            )

    def _root(self, commit: pygit2.Commit) -> pygit2.Tree:
        with intact(f"the tree of {commit.id}"):
            return commit.tree

    def _entry(self, commit: str, path: str) -> pygit2.Object | None:
        found = find_commit(self._git, commit)
        if found is None:
            return None
        with intact(f"{path or '/'} at {commit}"):
            return trees.entry_at(found.tree, path)

    def _changes(self, old: pygit2.Commit | None, new: pygit2.Commit) -> dict[str, tuple[str, str]]:
        return commits.tree_changes(self._root(old) if old is not None else None, self._root(new))
