"""Which units a commit concerns: an index from paths to units and the order of dependsOn.

In: the units of homeostat.yaml, two revisions. Out: the units to look at. Cost follows the size of the commit, not of the
repository: each touched path is looked up by its folders. Where history is not one straight line the whole difference is
added, because a merge can drop what the other side had without touching it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.documents.installation import Unit, parents
from reconciler.model.revisions import CommitInfo
from reconciler.ports.repo import Repo
from reconciler.settings import INSTALLATION

MAX_COMMITS = 500  # of one round; looking at every unit once is cheaper than at that many differences
MAX_TOPS = 64  # first folders; with more of them the difference is the cheaper question


@dataclass(frozen=True, slots=True)
class UnitIndex:
    """Units by name and by folder, and each one's place in the order. Built once for one homeostat.yaml."""

    by_name: Mapping[str, Unit]
    by_path: Mapping[str, str]
    position: Mapping[str, int]
    tops: tuple[str, ...]  # the first folders of all unit paths

    @classmethod
    def of(cls, units: Sequence[Unit]) -> UnitIndex:
        ordered = _ordered(units)
        return cls(
            {u.name: u for u in units},
            {u.path: u.name for u in units},
            {name: at for at, name in enumerate(ordered)},
            tuple(sorted({u.path.split("/", 1)[0] for u in units})),
        )

    def owner(self, path: str) -> str | None:
        """The unit whose folder holds this path."""
        return next((self.by_path[folder] for folder in parents(path) if folder in self.by_path), None)

    def in_order(self, names: Iterable[str]) -> Sequence[Unit]:
        """Known units only, dependencies first."""
        known = sorted((n for n in names if n in self.by_name), key=self.position.__getitem__)
        return [self.by_name[n] for n in known]


def _ordered(units: Sequence[Unit]) -> Sequence[str]:
    """Dependencies first, otherwise as written. Without recursion; the document has no cycles."""
    depends = {u.name: u.depends_on for u in units}
    done: dict[str, None] = {}
    for start in depends:
        stack = [start]
        while stack:
            waiting = [d for d in depends[stack[-1]] if d not in done]
            if waiting:
                stack.append(waiting[0])
            else:
                done[stack.pop()] = None
    return list(done)


def concerned(repo: Repo, index: UnitIndex, old: str, new: str) -> frozenset[str]:
    """Units to look at on the way from `old` to `new`: all of them on a first look or when homeostat.yaml changed.

    Each commit counts, also one that a later commit took back: a delayed plan of the commit in between must find the
    unit's generation moved on.
    """
    if old == new:
        return frozenset()
    commits = repo.between(old, new) if old else ()
    if not old or len(commits) > MAX_COMMITS:
        return frozenset(index.by_name)
    straight = _straight(commits, old)
    touched = {path for c in commits if not (straight and _aside(repo, index, c)) for path in repo.touched(c.id)}
    if not straight:
        touched.update(repo.changed(old, new))
    if INSTALLATION in touched:
        return frozenset(index.by_name)
    return frozenset(name for name in map(index.owner, touched) if name)


def _aside(repo: Repo, index: UnitIndex, commit: CommitInfo) -> bool:
    """Whether a commit leaves homeostat.yaml and every first folder of units as they were.

    Two tree ids are compared for each folder; a difference would open folders of ten thousand entries to find them equal.
    """
    before, after = commit.parents[0], commit.id
    if len(index.tops) > MAX_TOPS or any(repo.tree(before, top) != repo.tree(after, top) for top in index.tops):
        return False
    return repo.read(before, INSTALLATION) == repo.read(after, INSTALLATION)


def _straight(commits: Sequence[CommitInfo], old: str) -> bool:
    """Each commit has the one before as its only parent, the first one `old`."""
    before = old
    for commit in commits:
        if commit.parents != (before,):
            return False
        before = commit.id
    return bool(commits)
