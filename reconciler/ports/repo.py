"""Repo: Git objects and refs. Reads from trees, never from a work tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from reconciler.model.revisions import CommitInfo
from reconciler.ports.signing import Signer


@dataclass(frozen=True, slots=True)
class RefMove:
    """One ref from `old` to `new`; "" is absence: `old=""` creates, `new=""` deletes. Always compared."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Identity:
    name: str
    email: str


MACHINE = Identity("Homeostat", "homeostat@machine.invalid")  # under whose name the machine commits


class Repo(Protocol):
    """One bare repository. Object ids are hex text. Unknown commits and paths are None, damage is Tampered."""

    def ref(self, name: str) -> str | None: ...

    def refs(self, prefix: str) -> Mapping[str, str]: ...

    def commit(self, commit: str) -> CommitInfo | None: ...

    def tree(self, commit: str, path: str = "") -> str | None:
        """The tree id of a folder ("" is the root) at a commit."""
        ...

    def read(self, commit: str, path: str) -> bytes | None: ...

    def files(self, commit: str, under: str = "") -> Mapping[str, str]:
        """Path to blob id below `under`. Refuses (Permanent, with the path) symlinks, submodules, colliding
        (case, NFC) and non-UTF-8 names.
        """
        ...

    def blob(self, blob: str) -> bytes: ...

    def history(self, commit: str, *, limit: int = 50, path: str = "") -> Sequence[CommitInfo]:
        """First-parent history, newest first; with `path` only commits that touched it."""
        ...

    def between(self, old: str, new: str) -> Sequence[CommitInfo]:
        """Commits reachable from `new` and not from `old`, oldest first."""
        ...

    def touched(self, commit: str) -> Mapping[str, tuple[str, str]]:
        """Path to (blob before, blob after) against the first parent; "" is absence."""
        ...

    def is_ancestor(self, old: str, new: str) -> bool:
        """True also when they are equal."""
        ...

    def changed(self, old: str, new: str) -> Mapping[str, tuple[str, str]]:
        """Path to (blob at `old`, blob at `new`), "" for absence; `old` may be "" for nothing at all."""
        ...

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
        """One commit on `base` ("" for a root commit) with these files changed (None deletes); moves no ref.
        `also` are further parents that the commit keeps alive. The same inputs give the same commit id.
        """
        ...

    def revert(self, commit: str, onto: str) -> Mapping[str, bytes | None] | None:
        """The files that undo `commit` on top of `onto`, or None on conflict."""
        ...

    def move(self, moves: Sequence[RefMove]) -> bool:
        """All moves in one transaction, each compared with its `old`; False when any value was stale."""
        ...

    def aside(self) -> AbstractContextManager[Repo]:
        """The same objects for a while, in a repository without refs; what is written there is gone afterwards."""
        ...

    def maintain(self) -> None:
        """Pack loose objects and refs; clear orphaned locks. Safe beside readers."""
        ...
