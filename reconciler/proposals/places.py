"""Where an object stands in the tree, and which scalars a step means in it.

The tree is searched below the folders of the units only. A file named after the object is looked at first; an object
that stands twice among the files looked at is refused, because an edit of one of the two would be a guess.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.documents.base import NAME
from reconciler.documents.playbook_parts import Match
from reconciler.edits import Unsafe
from reconciler.errors import Misconfigured
from reconciler.model.proposals import Pointer
from reconciler.model.reasons import Reason
from reconciler.proposals.situation import History, Situation
from reconciler.yamltext import Value, parse

MAX_FILES = 20_000  # looked at for one object


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

    def find(self, kind: str, name: str) -> Found | Unsafe:
        """The object of this kind and name."""
        if not re.match(NAME, name):
            return Unsafe(Reason.UNSAFE_EDIT, "the component has no plain name", "tree:1:1")
        for paths in self.tree.rounds(name):
            found = [item for path in paths for item in self._objects(path, kind, name)]
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


def identity(value: Value) -> tuple[str, str]:
    """Kind and name of an object, empty where it does not say."""
    kind = value.get("kind") if isinstance(value, dict) else None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return (kind if isinstance(kind, str) else "", name if isinstance(name, str) else "")


def pointers(value: Value, field_: Sequence[str | Match], component: str) -> tuple[Pointer, ...]:
    """Every pointer that a step's field means in this object; a missing last key is one, a missing middle is none."""
    reached: list[tuple[Pointer, Value]] = [((), value)]
    for place, segment in enumerate(field_):
        last = place == len(field_) - 1
        reached = [step for pointer, at in reached for step in _deeper(pointer, at, segment, component, last=last)]
    return tuple(pointer for pointer, _ in reached)


def _deeper(pointer: Pointer, at: Value, segment: str | Match, component: str, *, last: bool) -> Iterator[tuple[Pointer, Value]]:
    if isinstance(segment, str):
        if isinstance(at, dict) and (segment in at or last):
            yield (*pointer, segment), at.get(segment)
    elif isinstance(at, list):
        for index, entry in enumerate(at):
            if isinstance(entry, dict) and segment.key in entry and segment.equals in ("any", _named(entry, segment, component)):
                yield (*pointer, index), entry


def _named(entry: dict[str, Value], segment: Match, component: str) -> str:
    return "component" if entry[segment.key] == component else ""
