"""What the applied commits changed of one declared object: of itself, of what it names, or of what it is rendered from.

A commit is read from Git, before and after. An object is known by kind, name and namespace, and its lists by the names in
them (`containers[app].image`), so that a container that moved in its list is the same container. What another object of the
same unit changed is nothing to this one, unless this one names it: a ConfigMap, a Secret. A file that cannot be read makes
no claim; values of Secrets are never read out. Everything is capped.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.diagnosis.commits import MAX_COMMITS, MAX_FILES, MAX_TEXT, Applied
from reconciler.errors import HomeostatError, Misconfigured
from reconciler.ports.repo import Repo
from reconciler.yamltext import Value, parse

MAX_SCANNED = 500  # files of a unit that are searched for the object itself
YAML = (".yaml", ".yml")
KUSTOMIZE = "kustomize.config.k8s.io/"
_HEAD = frozenset({"apiVersion", "kind", "metadata", "status"})
_CONTAINER = re.compile(r"[cC]ontainers\[([^\]]*)\]")
_IMAGE = re.compile(r"images\[([^\]]*)\]")

Document = dict[str, Value]


class Relation(enum.Enum):
    """How a changed document belongs to an object."""

    OWN = "itself"
    NAMED = "what it names"
    SOURCE = "what it is rendered from"


@dataclass(frozen=True, slots=True)
class Declared:
    """An object as a target names it (`Deployment.apps/shop/web`, `Service/web`), taken apart."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, object_id: str) -> Declared:
        kind, *places = object_id.split("/")
        return cls(kind.partition(".")[0], places[0] if len(places) == 2 else "", places[-1] if places else "")

    def is_in(self, document: Document) -> bool:
        """A document without a namespace may be in any: what applies it says which."""
        kind, namespace, name = _identity(document)
        return (kind, name) == (self.kind, self.name) and namespace in ("", self.namespace)


@dataclass(frozen=True, slots=True)
class Change:
    """What one applied commit changed: (field, before, after), sorted."""

    commit: str
    applied_ms: int
    path: str
    relation: Relation
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Files:
    """A unit's folder, and whether the unit reads a path: what is rendered may read elsewhere, too."""

    folder: str
    read_by: Callable[[str], bool]


def segments(field_: str) -> frozenset[str]:
    """The words of a field's path."""
    return frozenset(re.split(r"[.\[\]]+", field_))


def container_of(field_: str) -> str:
    """Which container a field is of, "" for none."""
    found = _CONTAINER.search(field_)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Past:
    """What was applied lately, read once however many objects ask."""

    repo: Repo
    revision: str
    applied: Sequence[Applied]
    parsed: dict[tuple[str, str], list[Document] | None] = field(default_factory=dict)

    def read(self, blob: str, path: str) -> list[Document] | None:
        """The documents of a file; None for one that does not read."""
        if (blob, path) not in self.parsed:
            self.parsed[blob, path] = _documents(self.repo, blob, path)
        return self.parsed[blob, path]


def changes(past: Past, start_ms: int, end_ms: int, files: Files, object_id: str) -> Iterator[Change]:
    """What the commits applied in this time changed of one object, the newest commit first."""
    wanted = Declared.of(object_id)
    recent = [a for a in past.applied if start_ms <= a.applied_ms <= end_ms]
    names: frozenset[str] | None = None
    for entry in sorted(recent, key=lambda a: (-a.applied_ms, a.commit))[:MAX_COMMITS]:
        commit = past.repo.commit(entry.commit)
        if commit is None or not commit.parents:  # an installation's first commit changed nothing that ran before
            continue
        touched = [path for path in sorted(past.repo.touched(entry.commit)) if path.endswith(YAML) and files.read_by(path)]
        for path in touched[:MAX_FILES]:
            blobs = past.repo.touched(entry.commit)[path]
            for document, fields in _altered(*(past.read(blob, path) for blob in blobs)):
                names = _named_by(past, files.folder, wanted) if names is None else names
                relation = _relation(document, wanted, names)
                kept = tuple(f for f in fields if _may_be_of(f[0], names))
                if relation is not None and kept:
                    yield Change(entry.commit, entry.applied_ms, path, relation, kept)


def _relation(document: Document, wanted: Declared, names: frozenset[str]) -> Relation | None:
    """`names` is everything the object's own document says, empty when it stands in no file as it is applied."""
    kind, namespace, name = _identity(document)
    if wanted.is_in(document):
        return Relation.OWN
    if not (kind and name) or str(document.get("apiVersion", "")).startswith(KUSTOMIZE):
        return Relation.SOURCE
    if names:
        return Relation.NAMED if namespace in ("", wanted.namespace) and name in names else None
    return Relation.SOURCE if kind == wanted.kind and name in wanted.name else None  # a prefix or suffix is put to it


def _may_be_of(field_: str, names: frozenset[str]) -> bool:
    """A kustomization lists the images of every object; this one's are known by name."""
    found = _IMAGE.match(field_)
    return found is None or not names or any(text.startswith(found[1]) for text in names)


def _named_by(past: Past, folder: str, wanted: Declared) -> frozenset[str]:
    try:
        files = past.repo.files(past.revision, folder)
    except HomeostatError:
        return frozenset()
    near = sorted((path for path in files if path.endswith(YAML)), key=lambda path: (wanted.name not in path, path))
    for path in near[:MAX_SCANNED]:
        if wanted.name.encode() in past.repo.blob(files[path]):
            for document in past.read(files[path], path) or ():
                if wanted.is_in(document):
                    return frozenset(text for _, text in _leaves(document, ""))
    return frozenset()


def _altered(
    earlier: Sequence[Document] | None, later: Sequence[Document] | None
) -> Iterator[tuple[Document, tuple[tuple[str, str, str], ...]]]:
    """Each document of a file that differs, with its fields; a file that does not read has none."""
    if earlier is None or later is None:
        return
    before, after = _keyed(earlier), _keyed(later)
    for key in sorted(before.keys() | after.keys()):
        document = after.get(key) or before[key]
        old, new = (dict(_leaves_of(side.get(key, {}))) for side in (before, after))
        differing = sorted(f for f in old.keys() | new.keys() if old.get(f) != new.get(f))
        hidden = document.get("kind") == "Secret"
        yield document, tuple((f, "" if hidden else old.get(f, ""), "" if hidden else new.get(f, "")) for f in differing)


def _keyed(documents: Sequence[Document]) -> Mapping[tuple[str, str, str, int], Document]:
    """Those without identity (values, generators) by their place."""
    keyed = {}
    for index, document in enumerate(documents):
        identity = _identity(document)
        keyed[(*identity, -1 if identity[2] else index)] = document
    return keyed


def _documents(repo: Repo, blob: str, path: str) -> list[Document] | None:
    if not blob:
        return []
    try:
        return [d.value for d in parse(repo.blob(blob), path) if isinstance(d.value, dict)]
    except Misconfigured:
        return None


def _identity(document: Document) -> tuple[str, str, str]:
    kind, metadata = document.get("kind"), document.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    kind, namespace, name = (found if isinstance(found, str) else "" for found in (kind, said.get("namespace"), said.get("name")))
    return kind, namespace, name


def _leaves_of(document: Document) -> Iterator[tuple[str, str]]:
    """The whole of what is no object, and of an object everything but its head."""
    skipped = _HEAD if _identity(document)[2] else frozenset[str]()
    for key, value in document.items():
        if key not in skipped:
            yield from _leaves(value, key)


def _leaves(value: Value, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            name = inner.get("name") if isinstance(inner, dict) else None
            yield from _leaves(inner, f"{at}[{name if isinstance(name, str) else index}]")
    else:
        yield at[: 2 * MAX_TEXT], str(value)[:MAX_TEXT]
