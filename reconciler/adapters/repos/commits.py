"""Commits: reading them with their signatures, writing them deterministically, and undoing them in memory.

A commit's id depends on nothing but what is passed in: the time is whole seconds of `time_ms` in UTC, and Ed25519
signatures are deterministic. Writing moves no ref.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pygit2
from pygit2.enums import FileMode, MergeFlag, SortMode

from reconciler.adapters.repos.libgit import find_commit, intact, need_commit, need_tree, parent_of, writing
from reconciler.adapters.repos.trees import check_regular, entry_at, read_blob
from reconciler.errors import Permanent
from reconciler.model.revisions import CommitInfo
from reconciler.ports.repo import Identity
from reconciler.ports.signing import Signer

MAX_MESSAGE = 64 * 1024  # characters
MAX_WALK = 100_000  # commits looked at in one question


def describe(commit: pygit2.Commit) -> CommitInfo:
    signature, signed = commit.gpg_signature
    return CommitInfo(
        id=str(commit.id),
        parents=tuple(str(p) for p in commit.parent_ids),
        tree=str(commit.tree_id),
        author_name=_text(commit.author.raw_name),
        author_email=_text(commit.author.raw_email),
        committer_email=_text(commit.committer.raw_email),
        time_ms=commit.commit_time * 1_000,
        message=_text(commit.raw_message),
        signature=signature or b"",
        signed=signed or b"",
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def write_commit(
    git: pygit2.Repository,
    tree: pygit2.Oid,
    parents: Sequence[str],
    message: str,
    who: tuple[Identity, int],
    signer: Signer | None,
) -> str:
    """One commit object; `who` is the identity and the time in ms."""
    author = _author(*who)
    if "\0" in message or len(message) > MAX_MESSAGE:
        raise Permanent(f"a commit message has no NUL and at most {MAX_MESSAGE} characters")
    if not message.endswith("\n"):
        message += "\n"
    with writing("a commit"):
        if signer is None:
            return str(git.create_commit(None, author, author, message, tree, list(parents)))
        content = str(git.create_commit_string(author, author, message, tree, list(parents)))
        armored = signer.sign_ssh(content.encode(), "git").decode("ascii").rstrip("\n")
        return str(git.create_commit_with_signature(content, armored, "gpgsig"))


def _author(identity: Identity, time_ms: int) -> pygit2.Signature:
    for text in (identity.name, identity.email):
        if not text.strip() or any(c in "<>\n\0" for c in text):
            raise Permanent(f"{text!r} cannot stand in a commit's author", next_step="use a plain name and address")
    return pygit2.Signature(identity.name, identity.email, time_ms // 1_000, 0, "utf-8")


def first_parents(git: pygit2.Repository, commit: str, limit: int, path: str) -> list[CommitInfo]:
    """Newest first; with `path` only commits after which the entry there differs from before."""
    found: list[CommitInfo] = []
    at = find_commit(git, commit)
    for _ in range(MAX_WALK):
        if at is None or len(found) >= limit:
            break
        with intact(f"history of {commit}"):
            parent = parent_of(git, at)
            if not path or _entry_id(at, path) != _entry_id(parent, path):
                found.append(describe(at))
        at = parent
    return found


def _entry_id(commit: pygit2.Commit | None, path: str) -> str:
    entry = entry_at(commit.tree, path) if commit is not None else None
    return str(entry.id) if entry is not None else ""


def commits_between(git: pygit2.Repository, old: str, new: str) -> list[CommitInfo]:
    """Reachable from `new` and not from `old` ("" hides nothing), oldest first."""
    start = need_commit(git, new)
    hidden = need_commit(git, old) if old else None
    with intact(f"history of {new}"):
        walker = git.walk(start.id, SortMode.TOPOLOGICAL | SortMode.REVERSE)
        if hidden is not None:
            walker.hide(hidden.id)
        return [describe(commit) for commit in walker]


def tree_changes(old: pygit2.Tree | None, new: pygit2.Tree) -> dict[str, tuple[str, str]]:
    """Path to (blob before, blob after), "" for absence, sorted; equal folders are never opened.

    libgit2's own diff reads every folder beside a changed file: a hundred times the cost beside ten thousand units.
    """
    changes: dict[str, tuple[str, str]] = {}
    waiting: list[tuple[bytes, pygit2.Tree | None, pygit2.Tree | None]] = [(b"", old, new)]
    with intact(f"trees before {new.id}"):
        while waiting:
            at, *sides = waiting.pop()
            for name, before, after in _differing(*sides):
                path = at + name
                was, now = (e if isinstance(e, pygit2.Tree) else None for e in (before, after))
                if was is not None or now is not None:
                    waiting.append((path + b"/", was, now))
                blobs = tuple(str(e.id) if e is not None and not isinstance(e, pygit2.Tree) else "" for e in (before, after))
                if any(blobs):  # a file that became a folder is both
                    changes[_decoded(path)] = (blobs[0], blobs[1])
    return dict(sorted(changes.items()))


Entry = pygit2.Object | None


def _differing(old: pygit2.Tree | None, new: pygit2.Tree | None) -> Iterator[tuple[bytes, Entry, Entry]]:
    """The entries of one folder whose object or mode is another."""
    before, after = ({entry.raw_name or b"": entry for entry in tree or ()} for tree in (old, new))
    for name in before.keys() | after.keys():
        one, other = before.get(name), after.get(name)
        if one is None or other is None or (one.id, one.filemode) != (other.id, other.filemode):
            yield name, one, other


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Permanent(f"{raw!r}: a name that is not UTF-8", next_step="rename it") from error


def undo(git: pygit2.Repository, commit: str, onto: str) -> dict[str, bytes | None] | None:
    """The files that undo `commit` on `onto`; None on conflict, empty when nothing is left to undo.

    A three-way merge of only the files that the commit touched: its own state is the ancestor, `onto` is ours and its parent
    theirs. Renames are not guessed: a file that moved meanwhile is a conflict, never an edit somewhere else.
    """
    bad, ours = need_commit(git, commit), need_commit(git, onto)
    before = parent_of(git, bad)
    if before is None:
        raise Permanent(f"{commit} is the first commit: there is nothing before it to go back to")
    paths = sorted(tree_changes(before.tree, bad.tree))
    with intact(f"commits {commit} and {onto}"):
        ancestor, present, theirs = (_excerpt(git, tree, paths) for tree in (bad.tree, ours.tree, before.tree))
        if ancestor is None or present is None or theirs is None:
            return None
        merged = git.merge_trees(ancestor, present, theirs, flags=MergeFlag(0))
        if merged.conflicts is not None:
            return None
        result = need_tree(git, merged.write_tree(git))
        return _differences(git, ours.tree, result, paths)


def _excerpt(git: pygit2.Repository, tree: pygit2.Tree, paths: Sequence[str]) -> pygit2.Oid | None:
    """A tree of only these files; None when one of them is a folder or lies below a file."""
    index = pygit2.Index()
    for path in paths:
        entry = entry_at(tree, path)
        if isinstance(entry, pygit2.Tree) or (entry is None and _blocked(tree, path)):
            return None
        if entry is not None:
            check_regular(entry, path)
            index.add(pygit2.IndexEntry(path, entry.id, FileMode(entry.filemode)))
    return index.write_tree(git)


def _blocked(tree: pygit2.Tree, path: str) -> bool:
    parts = path.split("/")
    above = (entry_at(tree, "/".join(parts[:n])) for n in range(1, len(parts)))
    return any(entry is not None and not isinstance(entry, pygit2.Tree) for entry in above)


def _differences(git: pygit2.Repository, ours: pygit2.Tree, result: pygit2.Tree, paths: Sequence[str]) -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = {}
    for path in paths:
        old, new = entry_at(ours, path), entry_at(result, path)
        if new is not None and (old is None or old.id != new.id):
            files[path] = read_blob(git, str(new.id))
        elif new is None and old is not None:
            files[path] = None
    return files
