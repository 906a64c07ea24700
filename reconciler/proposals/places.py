"""Where an object stands in the tree, and which scalars a step means in it.

The tree is searched below the folders of the units only. A file named after the object is looked at first; an object
that stands twice among the files looked at is refused, because an edit of one of the two would be a guess. Where a target
named the object in trouble, only its own unit and namespace are looked at: the same names stand in others, too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.documents.playbook_parts import WORKLOAD, Match
from reconciler.edits import Unsafe
from reconciler.errors import Misconfigured
from reconciler.model.diagnosis import Cause
from reconciler.model.proposals import Pointer
from reconciler.model.reasons import Reason
from reconciler.proposals.situation import History, Situation
from reconciler.yamltext import Value, parse

MAX_FILES = 20_000  # looked at for one object
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Found:
    """One object: its unit, file, document within the file, and value."""

    name: str
    unit: str
    path: str
    document: int
    value: Value


class Tree:
    """The YAML files below the units at a revision: listed once, however many candidates ask."""

    def __init__(self, situation: Situation, repo: History) -> None:
        self.situation = situation
        self.repo = repo
        self._units = {folder.rstrip("/"): unit for unit, folder in situation.units.items()}

    def unit_of(self, path: str) -> str:
        """The unit whose folder holds a path, "" when none does."""
        folder = path
        while "/" in folder:
            folder = folder.rsplit("/", 1)[0]
            if folder in self._units:
                return self._units[folder]
        return ""

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """Every YAML file of every unit. Listed by the units' top folders: one walk instead of one for each of thousands."""
        tops = sorted({folder.split("/", 1)[0] for folder in self._units})
        paths = [path for top in tops for path in self.repo.files(self.situation.revision, top)]
        return tuple(sorted(p for p in paths if p.endswith((".yaml", ".yml")) and self.unit_of(p)))

    def rounds(self, name: str) -> Iterator[Sequence[str]]:
        """Files named after the object, then all."""
        yield [path for path in self.files if path.rsplit("/", 1)[-1].rsplit(".", 1)[0] == name]
        yield self.files[:MAX_FILES]


@dataclass(slots=True)
class Workspace:
    """The tree with the edits of one candidate on top, so that several steps can share a file."""

    tree: Tree
    edited: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def situation(self) -> Situation:
        return self.tree.situation

    @property
    def repo(self) -> History:
        return self.tree.repo

    def read(self, path: str) -> bytes | None:
        return self.edited[path] if path in self.edited else self.repo.read(self.situation.revision, path)

    def find(self, kind: str, name: str, cause: Cause) -> Found | Unsafe:
        """The object of this kind and name; `Workload` is the one that the cause names."""
        if kind == WORKLOAD:
            kind, _, name = named(cause)
            if not kind:
                return Unsafe(Reason.UNSAFE_EDIT, "no target named the object in trouble", "tree:1:1")
        if not NAME.match(name):
            return Unsafe(Reason.UNSAFE_EDIT, "the component has no plain name", "tree:1:1")
        for paths in self.tree.rounds(name):
            near = [path for path in paths if not cause.object or self.tree.unit_of(path) == cause.unit]
            found = [item for path in near for item in self._objects(path, kind, name) if _beside(item.value, cause)]
            if len(found) > 1:
                return Unsafe(Reason.UNSAFE_EDIT, f"{kind}/{name} stands twice, also in {found[1].path}", f"{found[0].path}:1:1")
            if found:
                return found[0]
        return Unsafe(Reason.UNSAFE_EDIT, f"no file below a unit holds {kind}/{name}", f"{kind}/{name}:1:1")

    def _objects(self, path: str, kind: str, name: str) -> Iterator[Found]:
        data = self.read(path)
        if data is None or name.encode() not in data or kind.encode() not in data:
            return
        try:
            documents = parse(data, path)
        except Misconfigured:  # not ours to judge here: a file that does not load is never edited
            return
        for document in documents:
            if identity(document.value) == (kind, name):
                yield Found(name, self.tree.unit_of(path), path, document.index, document.value)


def named(cause: Cause) -> tuple[str, str, str]:
    """Kind, namespace and name of the object that a target named (`Deployment.apps/shop/web`), empty when it named none."""
    kind, *places = cause.object.split("/")
    return kind.partition(".")[0], places[0] if len(places) == 2 else "", places[-1] if places else ""


def _beside(value: Value, cause: Cause) -> bool:
    """Not in another namespace than the object in trouble. A file that names none may be applied to any."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return not cause.object or namespace in (None, "", named(cause)[1])


def identity(value: Value) -> tuple[str, str]:
    """Kind and name of an object, empty where it does not say."""
    kind = value.get("kind") if isinstance(value, dict) else None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return (kind if isinstance(kind, str) else "", name if isinstance(name, str) else "")


def pointers(value: Value, field_: Sequence[str | Match], cause: Cause) -> tuple[Pointer, ...]:
    """Every pointer that a step's field means in this object; a missing last key is one, a missing middle is none."""
    reached: list[tuple[Pointer, Value]] = [((), value)]
    wanted = {"component": cause.component, "container": cause.container}
    for place, segment in enumerate(field_):
        last = place == len(field_) - 1
        reached = [step for pointer, at in reached for step in _deeper(pointer, at, segment, wanted, last=last)]
    return tuple(pointer for pointer, _ in reached)


def _deeper(
    pointer: Pointer, at: Value, segment: str | Match, wanted: Mapping[str, str], *, last: bool
) -> Iterator[tuple[Pointer, Value]]:
    if isinstance(segment, str):
        if isinstance(at, dict) and (segment in at or last):
            yield (*pointer, segment), at.get(segment)
    elif isinstance(at, list):
        for index, entry in enumerate(at):
            if isinstance(entry, dict) and segment.key in entry and _chosen(entry[segment.key], segment, wanted):
                yield (*pointer, index), entry


def _chosen(value: Value, segment: Match, wanted: Mapping[str, str]) -> bool:
    """What is not known ("") chooses nothing."""
    return segment.equals == "any" or (value == wanted[segment.equals] and value != "")
