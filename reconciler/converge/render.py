"""Rendering: the plain manifests of one unit's folder, at one revision, become desired objects.

In: a repository, a revision, a unit. Out: `RenderedUnit`, or a `RenderFailure` with every error and its place.

Invariants
* Read from the Git tree, never a work tree; the answer depends on the folder's tree id alone and is cached by it, so an
  unrelated commit reads and parses nothing.
* A manifest is `apiVersion`, `kind`, `metadata.name` and its body. The body is the value of `spec`; a manifest of another
  shape (a ConfigMap's `data`) has all its other keys as body. Labels and annotations are for people and not applied.
* `digest` covers the body as written, so that a target can compute it from what it holds.
* Bounded: files, bytes and objects of one unit.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.converge.values import Place, RenderFailure
from reconciler.documents.installation import Unit
from reconciler.errors import Misconfigured, Permanent
from reconciler.model.canonical import digest
from reconciler.model.revisions import DesiredObject, Rendered
from reconciler.ports.repo import Repo
from reconciler.yamltext import ParsedDocument, Pointer, Value, parse

MAX_FILES = 2_000
MAX_BYTES = 16 * 1024 * 1024
MAX_OBJECTS = 5_000
MAX_ERRORS = 50
SUFFIXES = (".yaml", ".yml")
HEAD = frozenset({"apiVersion", "kind", "metadata"})
KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}\Z")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,3}\Z")


@dataclass(frozen=True, slots=True)
class RenderedUnit:
    """A unit's objects and where each is written (id -> file:line:column)."""

    rendered: Rendered
    places: Mapping[str, str] = field(default_factory=dict)


Outcome = RenderedUnit | RenderFailure


class RenderCache:
    """The last renders by (unit, target, folder, tree id), failures too; the least recently used leave first."""

    def __init__(self, size: int = 4_096) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[str, str, str, str], Outcome] = OrderedDict()
        self.misses = 0  # renders that had to read files

    def get(self, repo: Repo, revision: str, unit: Unit) -> Outcome:
        tree = repo.tree(revision, unit.path) or ""
        key = (unit.name, unit.target, unit.path, tree)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        self._kept[key] = render(repo, revision, unit, tree)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return self._kept[key]


def render(repo: Repo, revision: str, unit: Unit, tree: str) -> Outcome:
    """Read and parse every manifest below the unit's folder. A folder that is not there has no objects."""
    if not tree:
        return RenderedUnit(Rendered(unit.name, unit.target, "", ()))
    errors: list[Place] = []
    found: dict[str, DesiredObject] = {}
    places: dict[str, str] = {}
    try:
        for document in _documents(repo, revision, unit, errors):
            _take(document, unit, found, places, errors)
    except Permanent as error:  # a symlink, a submodule, colliding names, too much of something
        errors.append(Place(unit.path, error.message))
    if errors:
        return RenderFailure(unit.name, tree, tuple(errors[:MAX_ERRORS]))
    return RenderedUnit(Rendered(unit.name, unit.target, tree, tuple(found[k] for k in sorted(found))), places)


def _documents(repo: Repo, revision: str, unit: Unit, errors: list[Place]) -> Iterator[ParsedDocument]:
    files = repo.files(revision, unit.path)
    manifests = sorted(path for path in files if path.endswith(SUFFIXES))
    if len(manifests) > MAX_FILES:
        raise Permanent(f"{len(manifests)} manifests in one unit, at most {MAX_FILES} are rendered; split the unit")
    size = 0
    for path in manifests:
        data = repo.blob(files[path])
        size += len(data)
        if size > MAX_BYTES:
            raise Permanent(f"more than {MAX_BYTES} bytes of manifests in one unit; split the unit")
        try:
            yield from parse(data, path)
        except Misconfigured as error:
            errors.append(Place("", str(error)))


def _take(
    document: ParsedDocument, unit: Unit, found: dict[str, DesiredObject], places: dict[str, str], errors: list[Place]
) -> None:
    try:
        made = _object(document, unit)
    except Misconfigured as error:
        errors.append(Place("", str(error)))
        return
    key = made.id.casefold()  # two ids that differ in case only are one file on many systems
    if key in found:
        errors.append(Place(document.locate(("metadata", "name")), f"{made.id} is already written at {places[found[key].id]}"))
    elif len(found) >= MAX_OBJECTS:
        raise Permanent(f"more than {MAX_OBJECTS} objects in one unit; split the unit")
    else:
        found[key] = made
        places[made.id] = document.locate(())


def _object(document: ParsedDocument, unit: Unit) -> DesiredObject:
    manifest = document.value
    if not isinstance(manifest, dict):
        raise Misconfigured("a manifest is a mapping with apiVersion, kind, metadata and spec", where=document.locate(()))
    kind = _text(document, manifest.get("kind"), ("kind",), KIND)
    metadata = manifest.get("metadata")
    name = _text(document, metadata.get("name") if isinstance(metadata, dict) else None, ("metadata", "name"), NAME)
    if not isinstance(manifest.get("apiVersion"), str):
        raise Misconfigured("apiVersion is missing", where=document.locate(("apiVersion",)))
    body = _body(document, manifest)
    return DesiredObject(f"{kind}/{name}", unit.name, body, document.where, body_digest(body))


def _text(document: ParsedDocument, value: Value, at: Pointer, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        field_name = ".".join(str(part) for part in at)
        raise Misconfigured(f"{field_name} has to be a text of the form {pattern.pattern}", where=document.locate(at))
    return value


def _body(document: ParsedDocument, manifest: dict[str, Value]) -> dict[str, Value]:
    rest = {key: value for key, value in manifest.items() if key not in HEAD}
    if set(rest) != {"spec"}:
        if "spec" in rest:
            other = next(key for key in rest if key != "spec")
            raise Misconfigured(f"{other!r} beside spec is not desired state", where=document.locate((other,), key=True))
        return rest
    spec = rest["spec"]
    if not isinstance(spec, dict):
        raise Misconfigured("spec is a mapping", where=document.locate(("spec",)))
    return spec


def body_digest(body: Mapping[str, Value]) -> str:
    """The digest of an object's body. Without fractions it is `canonical.digest`, which refuses them: nothing signed
    holds this value's parts, and Python, JSON and Git round-trip a written fraction to the same shortest text.
    """
    raw = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest(raw.encode())
