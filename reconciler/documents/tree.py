"""The documents of one revision: which files of a tree are documents, loaded together, with one digest.

In: path to bytes of a commit's tree (never a work tree). Out: a frozen DocumentSet.
Invariants: `homeostat.yaml` stands at the root; every file below policies/, playbooks/, sensors/ and health/ is a document, a
cases file or plain prose (a file that would be skipped by its name, such as `limits.YAML`, is refused: a guard that is not
loaded is worse than an error); no two documents share kind and name; a kind lives in its folder.
All problems of all files are found at once by `check_tree`; `load_tree` raises the first.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from reconciler.documents.base import Document
from reconciler.documents.loader import Loaded, Problem, check, load
from reconciler.model.canonical import digest

INSTALLATION: Final = "homeostat.yaml"
CASES: Final = (".cases.yaml", ".cases.yml")
_YAML: Final = (".yaml", ".yml")
_PROSE: Final = (".md", ".txt", ".gitkeep")
_HOMES: Final[Mapping[str, frozenset[str]]] = {
    "policies": frozenset(
        {"MergePolicy", "Quorum", "Budget", "Freeze", "Maintenance", "Autonomy", "Guardrails", "Limits", "Trust"}
    ),
    "playbooks": frozenset({"Playbook"}),
    "sensors": frozenset({"Sensor", "Objective", "Calendar", "Capacity"}),
    "health": frozenset({"HealthRule"}),
}
D = TypeVar("D", bound=Document)


@dataclass(frozen=True)
class DocumentSet:
    """All documents of one revision, sorted by path and place."""

    documents: tuple[Loaded[Document], ...]

    def of(self, kind: type[D]) -> tuple[Loaded[D], ...]:
        """Every document of one kind."""
        return tuple(cast("Loaded[D]", item) for item in self.documents if isinstance(item.document, kind))

    def one(self, kind: type[D]) -> Loaded[D] | None:
        """The only document of a kind, None when there is none or more than one."""
        found = self.of(kind)
        return found[0] if len(found) == 1 else None

    @functools.cached_property
    def _digest(self) -> str:
        return digest({item.path: item.digest for item in self.documents})

    def digest(self) -> str:
        """What a verdict is bound to: the bytes of every document file, by path."""
        return self._digest


def load_tree(files: Mapping[str, bytes]) -> DocumentSet:
    """The documents of a tree, or Misconfigured for the first problem. Files that are no documents are ignored."""
    for problem in check_tree(files):
        raise problem.error()
    return DocumentSet(tuple(item for path in document_paths(files) for item in load(files[path], path)))


def check_tree(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """All problems of all document files."""
    problems = list(_skipped(files))
    loaded: list[Loaded[Document]] = []
    for path in _document_paths(files):
        found = check(files[path], path)
        problems += found
        loaded += () if found else load(files[path], path)
    return (*problems, *_misplaced(loaded), *_doubled(loaded))


def document_paths(files: Mapping[str, object]) -> tuple[str, ...]:
    """Which paths of a tree hold documents, sorted, so that callers read no more blobs than needed; Misconfigured for a file
    that would silently not be loaded.
    """
    for problem in _skipped(files):
        raise problem.error()
    return _document_paths(files)


def _document_paths(files: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(
        sorted(path for path in files if path == INSTALLATION or (_home(path) and path.endswith(_YAML) and not is_cases(path)))
    )


def is_cases(path: str) -> bool:
    """Whether a path is a cases file: tests of documents, no documents themselves."""
    return path.endswith(CASES)


def _home(path: str) -> str:
    folder, _, rest = path.partition("/")
    return folder if rest and folder in _HOMES else ""


def _skipped(files: Mapping[str, object]) -> Iterator[Problem]:
    for path in sorted(files):
        folder = path.partition("/")[0]
        if _home(path) and not path.endswith((*_YAML, *_PROSE)):
            yield Problem(f"{path}:1:1", "this file would not be loaded", "end its name in .yaml, or in .md for prose")
        elif not _home(path) and "/" in path and folder.casefold() in _HOMES:
            yield Problem(f"{path}:1:1", f"the folder is written {folder.casefold()!r}", "rename it")
        elif path != INSTALLATION and path.casefold() in (INSTALLATION, "homeostat.yml"):
            yield Problem(f"{path}:1:1", f"the file is written {INSTALLATION!r}", "rename it")


def _misplaced(loaded: list[Loaded[Document]]) -> Iterator[Problem]:
    for item in loaded:
        kinds = _HOMES.get(_home(item.path), frozenset({"Installation"}))
        if item.kind not in kinds:
            yield Problem(item.locate("kind"), f"{item.kind} does not belong here", f"here belong: {', '.join(sorted(kinds))}")


def _doubled(loaded: list[Loaded[Document]]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Loaded[Document]] = {}
    for item in loaded:
        other = first.setdefault((item.kind, item.name), item)
        if other is not item:
            where = other.at("metadata", "name")
            yield Problem(
                item.locate("metadata", "name"), f"{item.kind} {item.name!r} is already at {where}", "rename one of them"
            )
