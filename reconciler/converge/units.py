"""Which units a commit concerns: an index from paths to units and the order of dependsOn.

In: the units of homeostat.yaml, two revisions. Out: the units to look at. Cost follows the size of the commit, not of the
repository: each touched path is looked up by its folders. Only where history is not one straight line (a merge can drop
what the other side had without touching it) are all units compared by tree id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.documents.installation import Unit, parents
from reconciler.model.revisions import CommitInfo
from reconciler.ports.repo import Repo
from reconciler.settings import INSTALLATION


@dataclass(frozen=True, slots=True)
class UnitIndex:
    """Units by name and by folder, and each one's place in the order. Built once for one homeostat.yaml."""

    by_name: Mapping[str, Unit]
    by_path: Mapping[str, str]
    position: Mapping[str, int]

    @classmethod
    def of(cls, units: Sequence[Unit]) -> UnitIndex:
        ordered = _ordered(units)
        return cls({u.name: u for u in units}, {u.path: u.name for u in units}, {name: at for at, name in enumerate(ordered)})

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
    """Units to look at on the way from `old` to `new`: all of them on a first look or when homeostat.yaml changed."""
    if old == new:
        return frozenset()
    if not old:
        return frozenset(index.by_name)
    commits = repo.between(old, new)
    if not _straight(commits, old):
        return _by_tree(repo, index, old, new)
    touched = {path for commit in commits for path in repo.touched(commit.id)}
    if INSTALLATION in touched:
        return frozenset(index.by_name)
    return frozenset(name for name in map(index.owner, touched) if name)


def _straight(commits: Sequence[CommitInfo], old: str) -> bool:
    before = old
    for commit in commits:
        if commit.parents != (before,):
            return False
        before = commit.id
    return bool(commits)


def _by_tree(repo: Repo, index: UnitIndex, old: str, new: str) -> frozenset[str]:
    if repo.read(old, INSTALLATION) != repo.read(new, INSTALLATION):
        return frozenset(index.by_name)
    return frozenset(_changed(repo, index, old, new))


def _changed(repo: Repo, index: UnitIndex, old: str, new: str) -> Iterator[str]:
    for unit in index.by_name.values():
        if repo.tree(old, unit.path) != repo.tree(new, unit.path):
            yield unit.name
