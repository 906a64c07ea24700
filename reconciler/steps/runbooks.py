"""Runbooks: what people wrote below `runbooks/` of the infra repository, at the revision that is applied.

In: a revision and words. Out: passages with path and line, for people to read. They are made once per tree of that folder, and
no decision depends on them: a folder that Git refuses (a symlink, say) gives none and is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.analysis.passages import Library, library, readable
from reconciler.model.memory import Passage
from reconciler.ports.repo import Repo

FOLDER = "runbooks"
MOST = 3  # of one diagnosis
LEAST = 2  # words of the incident that a passage must share: one, such as the name of a service, is no reason


class Runbooks:
    """The passages of the newest folder that was asked for."""

    def __init__(self) -> None:
        self._tree = ""
        self._library = library({})

    def at(self, repo: Repo, revision: str) -> Library:
        """Permanent where the folder holds what no tree here may hold."""
        tree = repo.tree(revision, FOLDER) or "" if revision else ""
        if tree != self._tree:
            files = repo.files(revision, FOLDER) if tree else {}
            self._library = library({path: repo.blob(blob) if readable(path) else 0 for path, blob in files.items()})
            self._tree = tree
        return self._library


def cited(found: Library, said: Sequence[str]) -> tuple[Passage, ...]:
    """For an incident."""
    return found.best(said, MOST, LEAST)
