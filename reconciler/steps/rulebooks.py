"""Rulebooks: what the documents of each revision say, read when it is asked for and kept by the trees it was read from.

In: a commit. Out: its Rulebook, or its People alone. A revision whose documents do not load raises Misconfigured with the
place; callers fail closed: judges deny, converge keeps the last good revision. An unrelated commit costs a few tree look-ups
and no parsing. What only a whole Rulebook needs is imported with the first: who puts on a brake waits for none of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from reconciler.documents.loader import kinds
from reconciler.documents.people import People, people
from reconciler.documents.tree import INSTALLATION, document_paths, load_tree
from reconciler.documents.trust import Trust
from reconciler.errors import Misconfigured
from reconciler.ports.repo import Repo

if TYPE_CHECKING:
    from reconciler.policy.facts import Facts
    from reconciler.policy.rules import PolicySet
    from reconciler.steps.rulebook import Rulebook

Read = TypeVar("Read")
POLICIES = "policies"
FOLDERS = (POLICIES, "playbooks", "sensors", "health")
LOOK_BACK = 100  # commits: how far behind broken documents the last good ones are looked for
KEPT = 8  # revisions whose documents stay in memory: base, head and a few pull requests


class Rulebooks:
    """Rulebooks by revision."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._kept: OrderedDict[tuple[str | None, ...], Rulebook] = OrderedDict()
        self._people: tuple[str, People] = ("", People())  # of the folder that was asked for last

    def at(self, commit: str) -> Rulebook:
        """The rules of a commit, or Misconfigured for the first thing that is wrong with them."""
        trees = (*(self._repo.tree(commit, folder) for folder in FOLDERS), self._root_file(commit))
        if trees not in self._kept:
            self._kept[trees] = self._read(commit)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(trees)
        return self._kept[trees]

    def after(self, head: str, facts: Facts) -> PolicySet | None:
        """The rules as an edit that touches them would leave them; None when it touches none, and when they would not load."""
        from reconciler.policy.bench import touched_rules

        if not touched_rules(facts):
            return None
        try:
            return self.at(head).policy
        except Misconfigured:
            return None

    def standing(self, commit: str) -> Rulebook:
        """The rules of a commit, or of its newest ancestor whose documents load.

        For who people are and where things run, never for what may merge: otherwise one broken file would lock out
        those who could repair it, and stop the next start. Falling back only trusts whom people already trusted.
        """
        return self._newest(commit, self.at)

    def people(self, commit: str) -> People:
        """Who people are by the Trust documents of a commit, or of its newest ancestor whose Trust documents load.

        For what people ask to be done: it waits for no other document, and none that is broken hides a key that was revoked.
        """
        return self._newest(commit, self._people_at)

    def _newest(self, commit: str, read: Callable[[str], Read]) -> Read:
        """What is read of a commit, or of its newest ancestor of which it can be."""
        for info in self._repo.history(commit, limit=LOOK_BACK):
            try:
                return read(info.id)
            except Misconfigured:
                continue
        message = f"no documents load at or before {commit[:12]}"
        raise Misconfigured(message, where=INSTALLATION, next_step="homeostat policy check")

    def _people_at(self, commit: str) -> People:
        tree = self._repo.tree(commit, POLICIES)
        if tree is None:
            raise Misconfigured(f"commit {commit[:12]} has no {POLICIES}", where=POLICIES, next_step="homeostat policy check")
        if self._people[0] != tree:
            told = {path: data for path, data in self._files(commit, POLICIES) if Trust.__name__ in kinds(data, path)}
            self._people = (tree, people(load_tree(told).of(Trust)))
        return self._people[1]

    def _root_file(self, commit: str) -> str:
        data = self._repo.read(commit, INSTALLATION)
        return "" if data is None else data.decode("utf-8", "replace")

    def _read(self, commit: str) -> Rulebook:
        from reconciler.steps.rulebook import rulebook

        files = {path: data for folder in FOLDERS for path, data in self._files(commit, folder)}
        data = self._repo.read(commit, INSTALLATION)
        if data is None:
            raise Misconfigured(
                f"commit {commit[:12]} has no {INSTALLATION}", where=INSTALLATION, next_step="homeostat init makes one"
            )
        return rulebook(load_tree({**files, INSTALLATION: data}))

    def _files(self, commit: str, folder: str) -> Iterator[tuple[str, bytes]]:
        """The files of a folder that hold documents."""
        if self._repo.tree(commit, folder) is not None:
            found = self._repo.files(commit, folder)
            for path in document_paths(found):
                yield path, self._repo.blob(found[path])
