"""Which units a commit concerns: an index from paths to units and the order of dependsOn.

In: the units of homeostat.yaml, two revisions. Out: the units to look at. Cost follows the size of the commit, not of the
repository: each touched path is looked up by its folders, and so are folders that several units read (`Readings`). Where
history is not one straight line the whole difference is added, because a merge can drop what the other side had without
touching it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.documents.installation import Unit, parents
from reconciler.documents.installation_parts import Target
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
    kinds: Mapping[str, str]  # of targets, by name
    readers: tuple[str, ...]  # units whose renderer may read what lies outside their folder

    @classmethod
    def of(cls, units: Sequence[Unit], targets: Sequence[Target] = ()) -> UnitIndex:
        ordered = _ordered(units)
        return cls(
            {u.name: u for u in units},
            {u.path: u.name for u in units},
            {name: at for at, name in enumerate(ordered)},
            tops_of(u.path for u in units),
            {t.name: t.kind for t in targets},
            tuple(u.name for u in units if u.render.kind != "manifests"),
        )

    def kind_of(self, unit: Unit) -> str:
        """The kind of a unit's target; "" for one that is not in homeostat.yaml."""
        return self.kinds.get(unit.target, "")

    def owner(self, path: str) -> str | None:
        """The unit whose folder holds this path."""
        return next((self.by_path[folder] for folder in parents(path) if folder in self.by_path), None)

    def in_order(self, names: Iterable[str]) -> Sequence[Unit]:
        """Known units only, dependencies first."""
        known = sorted((n for n in names if n in self.by_name), key=self.position.__getitem__)
        return [self.by_name[n] for n in known]


def tops_of(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({path.split("/", 1)[0] for path in paths}))


@dataclass(frozen=True, slots=True)
class Shared:
    """Paths outside of the readers' own folders, each with the units that read it or below it."""

    by_path: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tops: tuple[str, ...] = ()

    @classmethod
    def of(cls, reads: Mapping[str, frozenset[str]]) -> Shared:
        by_path: dict[str, set[str]] = {}
        for name, paths in reads.items():
            for path in paths:
                by_path.setdefault(path, set()).add(name)
        return cls({path: frozenset(names) for path, names in by_path.items()}, tops_of(by_path))

    def readers(self, path: str) -> frozenset[str]:
        if not self.by_path:
            return frozenset()
        return frozenset().union(*(self.by_path[at] for at in (path, *parents(path)) if at in self.by_path))


class Readings:
    """What the readers of one homeostat.yaml read at one revision. Learnt once, then only of units that were looked at:
    what a unit reads cannot change unless something that it reads was touched.
    """

    def __init__(self, reads: Callable[[str, Unit], frozenset[str]]) -> None:
        self._reads = reads
        self._index: UnitIndex | None = None
        self._revision = ""
        self._known: dict[str, frozenset[str]] = {}
        self._shared = Shared()

    def at(self, index: UnitIndex, revision: str) -> Shared:
        """As of a revision."""
        if not index.readers or not revision:
            return Shared()
        if index is not self._index or revision != self._revision:
            self._known, self._index = {}, index
            self._learn(revision, index.readers)
        return self._shared

    def follow(self, index: UnitIndex, revision: str, looked_at: Iterable[str]) -> None:
        """On to another revision, on the way to which only these units can have begun to read something else."""
        if index is self._index:
            readers = frozenset(index.readers)
            self._learn(revision, [name for name in looked_at if name in readers])

    def _learn(self, revision: str, names: Sequence[str]) -> None:
        self._revision = revision
        assert self._index is not None  # noqa: S101  # for the type checker
        found = {name: self._reads(revision, self._index.by_name[name]) for name in names}
        if any(self._known.get(name) != paths for name, paths in found.items()):
            self._known |= found
            self._shared = Shared.of(self._known)


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


def concerned(repo: Repo, index: UnitIndex, old: str, new: str, shared: Shared | None = None) -> frozenset[str]:
    """Units to look at on the way from `old` to `new`: all of them on a first look or when homeostat.yaml changed.

    Each commit counts, also one that a later commit took back: a delayed plan of the commit in between must find the
    unit's generation moved on.
    """
    if old == new:
        return frozenset()
    shared = shared or Shared()
    tops = (*index.tops, *(top for top in shared.tops if top not in index.tops))
    commits = repo.between(old, new) if old else ()
    if not old or len(commits) > MAX_COMMITS:
        return frozenset(index.by_name)
    straight = _straight(commits, old)
    touched = {path for c in commits if not (straight and _aside(repo, tops, c)) for path in repo.touched(c.id)}
    if not straight:
        touched.update(repo.changed(old, new))
    if INSTALLATION in touched:
        return frozenset(index.by_name)
    owners = frozenset(name for name in map(index.owner, touched) if name)
    return owners.union(*map(shared.readers, touched))


def _aside(repo: Repo, tops: Sequence[str], commit: CommitInfo) -> bool:
    """Whether a commit leaves homeostat.yaml and every first folder of units as they were.

    Two tree ids are compared for each folder; a difference would open folders of ten thousand entries to find them equal.
    """
    before, after = commit.parents[0], commit.id
    if len(tops) > MAX_TOPS or any(repo.tree(before, top) != repo.tree(after, top) for top in tops):
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
