"""The value that a scalar had before: read from Git, never guessed.

Steps
1. the history of the file is walked back to the commit that brought the value that is there now;
2. that commit must be the suspected one where there is a suspect, and a person's own doing: what the machine wrote, or a
   revert brought back, is itself a repair, and undoing it would bring the trouble before it back;
3. the value just before that commit is the one to restore.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.edits import Unsafe
from reconciler.errors import Misconfigured
from reconciler.model.proposals import Pointer, Scalar
from reconciler.model.reasons import Reason
from reconciler.model.revisions import CommitInfo
from reconciler.proposals.places import Found, identity
from reconciler.proposals.situation import History
from reconciler.yamltext import parse

DEPTH = 50  # commits of one file that are looked at


@dataclass(frozen=True, slots=True)
class Earlier:
    """A value from history, and the commit it was read from."""

    value: Scalar
    commit: str


def earlier(repo: History, revision: str, found: Found, pointer: Pointer, suspect: str) -> Earlier | Unsafe:
    """The value before the commit that brought the present one."""
    commits = repo.history(revision, limit=DEPTH, path=found.path)
    present = _value(repo, revision, found, pointer)
    brought = _bringer(repo, commits, found, pointer, present)
    where = f"{found.path}:1:1"
    if brought is None or not brought.parents:
        return Unsafe(Reason.UNSAFE_EDIT, f"history of {DEPTH} commits shows no earlier value", where)
    if suspect and brought.id != suspect:
        return Unsafe(Reason.UNSAFE_EDIT, "the suspected commit did not bring the value that is there now", where)
    if _is_repair(brought):
        return Unsafe(Reason.UNSAFE_EDIT, f"the present value was brought by a repair ({brought.id[:12]})", where)
    before = _value(repo, brought.parents[0], found, pointer)
    if before is None:
        return Unsafe(Reason.UNSAFE_EDIT, "there was no value before", where)
    return Earlier(before, brought.parents[0])


def _bringer(repo: History, commits: Sequence[CommitInfo], found: Found, pointer: Pointer, present: Scalar) -> CommitInfo | None:
    """The newest commit before which the value was another one."""
    for commit in commits:
        before = _value(repo, commit.parents[0], found, pointer) if commit.parents else None
        if (type(before), before) != (type(present), present):
            return commit
    return None


def _is_repair(commit: CommitInfo) -> bool:
    marks = ("Homeostat-Incident", "Homeostat-Playbook", "Homeostat-Reverts")
    return any(commit.trailer(mark) for mark in marks) or "This reverts commit " in commit.message


def _value(repo: History, commit: str, found: Found, pointer: Pointer) -> Scalar:
    """The scalar at a pointer of the object with this identity, None when there is none."""
    data = repo.read(commit, found.path)
    try:
        documents = parse(data, found.path) if data is not None else ()
    except Misconfigured:
        return None
    for document in documents:
        if identity(document.value) == identity(found.value):
            node = document.node(pointer)
            return node.value if node and isinstance(node.value, bool | int | str) else None
    return None
