"""Rendering: one unit at one revision becomes desired objects.

In: a repository, a revision, a unit, the kind of its target. Out: `RenderedUnit`, or a `RenderFailure` with every error and
its place.

Invariants
* Read from the Git tree, never a work tree. The answer depends on exactly what the renderer declares to read, on what
  homeostat.yaml says about the unit and on the renderer's version, and is cached by these: an unrelated commit renders nothing.
* Bounded: files, bytes and objects of one unit.
* Decrypted values stay in memory, and out of every message.
* For a target that takes whole manifests, what is wrong with one file or object does not hold back the others: they are
  in the RenderedUnit beside its `errors`, and nothing is deleted meanwhile.
"""

from __future__ import annotations

import functools
import secrets as random
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.converge.manifests import KUBERNETES, Found, Maker, limits_of, output_of
from reconciler.converge.sealed import maybe_sealed, unsealed
from reconciler.converge.shapes import Place as Manifest
from reconciler.converge.values import Place, RenderFailure
from reconciler.documents.installation import Unit
from reconciler.documents.installation_render import Adjust, ManifestsRender
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.canonical import digest
from reconciler.model.revisions import DesiredObject, Rendered
from reconciler.ports.renderer import Ask, Reads, Renderer, Secrets
from reconciler.ports.repo import Repo

MAX_ERRORS = 50
YAML = (".yaml", ".yml")
SUFFIXES = {KUBERNETES: (*YAML, ".json")}
_PLAIN, _UNTOUCHED = ManifestsRender(), Adjust()


@dataclass(frozen=True)
class RenderedUnit:
    """A unit's objects and where each is written (id -> file:line:column). `errors` are what is missing among them. What its
    objects bring and need is looked up once for all rounds.
    """

    rendered: Rendered
    places: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[Place, ...] = ()

    @property
    def detail(self) -> str:
        return "; ".join(str(e) for e in self.errors)

    @functools.cached_property
    def brings(self) -> frozenset[str]:
        """The namespaces and the kinds that come with it."""
        return frozenset(thing for o in self.rendered.objects for thing in _brings(o))

    @functools.cached_property
    def needs(self) -> frozenset[str]:
        """The namespaces and the kinds that its objects are of. Only targets whose ids hold a namespace have any."""
        return frozenset(thing for o in self.rendered.objects for thing in _needs(o))


def _brings(obj: DesiredObject) -> Iterator[str]:
    kind, _, rest = obj.id.partition("/")
    if kind == "Namespace":
        yield f"namespace {rest}"
    elif kind == "CustomResourceDefinition.apiextensions.k8s.io":
        spec = obj.spec.get("spec") or {}
        yield f"kind {(spec.get('names') or {}).get('kind')}.{spec.get('group')}"


def _needs(obj: DesiredObject) -> Iterator[str]:
    kind, _, rest = obj.id.partition("/")
    if "/" in rest:
        yield f"namespace {rest.partition('/')[0]}"
    if "." in kind:
        yield f"kind {kind}"


Outcome = RenderedUnit | RenderFailure


@dataclass(frozen=True, slots=True)
class Tools:
    """What rendering needs beside the repository. Without a key of its own, digests of Secrets are good for one process."""

    renderers: Mapping[str, Renderer] = field(default_factory=dict)
    secrets: Secrets | None = None
    digest_key: bytes = field(default_factory=lambda: random.token_bytes(32), repr=False)


class RenderCache:
    """The last renders by all they depend on, failures too; the least recently used leave first."""

    def __init__(self, size: int = 4_096, *, tools: Tools | None = None) -> None:
        self._size = size
        self._tools = tools or Tools()
        self._kept: OrderedDict[tuple[str, ...], Outcome] = OrderedDict()
        self._read: dict[tuple[str, str], tuple[str, str, Reads]] = {}  # by unit and settings: the last revision, tree, reads
        self.misses = 0  # renders that had to read files

    def get(self, repo: Repo, revision: str, unit: Unit, kind: str) -> Outcome:
        """`kind` is that of the unit's target."""
        try:
            reads, tree, version = self._depends_on(repo, revision, unit)
        except (Misconfigured, Permanent, Retryable) as error:
            return RenderFailure(unit.name, "", (Place("", str(error)),))
        key = (unit.name, unit.target, kind, unit.path, tree, version, _settings(unit))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        made, keep = _Render(self._tools, repo, revision, unit, kind, tree).outcome(reads)
        if keep:
            self._kept[key] = made
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made

    def reads(self, repo: Repo, revision: str, unit: Unit) -> frozenset[str]:
        """Where else than in the unit's own folder a touched path may concern it."""
        reads = self._depends_on(repo, revision, unit)[0]
        return reads.around if reads else frozenset()

    def _depends_on(self, repo: Repo, revision: str, unit: Unit) -> tuple[Reads | None, str, str]:
        if isinstance(unit.render, ManifestsRender):
            return None, repo.tree(revision, unit.path) or "", ""
        renderer, key = self._renderer(unit), (unit.name, _settings(unit))
        version = renderer.version()
        known = self._read.get(key)
        if known is None or known[0] != revision:
            reads = renderer.reads(_ask(unit), repo, revision)
            known = revision, digest([[path, blob] for path, blob in sorted(reads.files.items())]), reads
            if len(self._read) >= self._size:
                self._read.clear()
            self._read[key] = known
        return known[2], known[1], version

    def _renderer(self, unit: Unit) -> Renderer:
        if found := self._tools.renderers.get(unit.render.kind):
            return found
        raise Misconfigured(f"unit {unit.name} is rendered by {unit.render.kind}, which is not set up here")


def render(repo: Repo, revision: str, unit: Unit, tree: str, kind: str = "lab", tools: Tools | None = None) -> Outcome:
    """Plain manifests below the unit's folder, whose tree is `tree`. A folder that is not there has no objects."""
    return _Render(tools or Tools(), repo, revision, unit, kind, tree).outcome(None)[0]


def _settings(unit: Unit) -> str:
    """What homeostat.yaml says about the unit's objects; most units say nothing."""
    if unit.render == _PLAIN and unit.adjust == _UNTOUCHED:
        return ""
    return unit.render.model_dump_json() + unit.adjust.model_dump_json()


def _ask(unit: Unit) -> Ask:
    return Ask(unit.name, unit.path, unit.adjust.namespace, unit.render.model_dump(mode="json", by_alias=True))


@dataclass(frozen=True, slots=True)
class _Render:
    """One unit being rendered."""

    tools: Tools
    repo: Repo
    revision: str
    unit: Unit
    kind: str
    tree: str

    def outcome(self, reads: Reads | None) -> tuple[Outcome, bool]:
        """What came of it, and whether it may be kept."""
        if not self.tree:
            return RenderedUnit(Rendered(self.unit.name, self.unit.target, "", ())), True
        found = Found()
        maker = Maker(self.unit, self.kind, self.tools.secrets, self.tools.digest_key)
        fatal = False
        try:
            places = list(self._files(maker, found) if reads is None else self._child(maker, reads, found))
            maker.make(places, found)
        except (Misconfigured, Permanent, Retryable) as error:  # a symlink, too much of something, a renderer's refusal
            found.wrong(error)
            found.retry |= isinstance(error, Retryable)
            fatal = True
        return self._settled(found, fatal=fatal), not found.retry

    def _settled(self, found: Found, *, fatal: bool) -> Outcome:
        errors = tuple(found.errors[:MAX_ERRORS])
        objects = found.objects
        if fatal or (errors and (self.kind != KUBERNETES or not objects)):
            return RenderFailure(self.unit.name, self.tree, errors)
        made = tuple(objects[k] for k in sorted(objects))
        return RenderedUnit(Rendered(self.unit.name, self.unit.target, self.tree, made), found.places, errors)

    def _files(self, maker: Maker, found: Found) -> Iterator[Manifest]:
        files = self.repo.files(self.revision, self.unit.path)
        manifests = {path: files[path] for path in sorted(files) if path.endswith(SUFFIXES.get(self.kind, YAML))}
        for path, data in self._blobs(manifests).items():
            yield from maker.read_file(data, path, found)

    def _blobs(self, files: Mapping[str, str]) -> dict[str, bytes]:
        limits = limits_of(self.kind)
        if len(files) > limits.files:
            raise Permanent(f"{self.unit.path}: {len(files)} files in one unit, at most {limits.files} are rendered",
                            next_step="split the unit")  # fmt: skip
        found, size = dict[str, bytes](), 0
        for path, blob in files.items():
            found[path] = self.repo.blob(blob)
            size += len(found[path])
            if size > limits.bytes:
                raise Permanent(f"{self.unit.path}: more than {limits.bytes} bytes in one unit", next_step="split the unit")
        return found

    def _child(self, maker: Maker, reads: Reads, found: Found) -> Iterator[Manifest]:
        files = self._blobs(reads.files)
        opened = {path: self._opened(maker, data, path, found) for path, data in files.items() if maybe_sealed(data)}
        renderer = self.tools.renderers[self.unit.render.kind]
        try:
            output = renderer.render(_ask(self.unit), {**files, **opened}, secret=bool(found.known))
        except (Misconfigured, Permanent, Retryable) as error:
            error.message = found.known.hide(error.message)
            error.args = tuple(found.known.hide(str(part)) for part in error.args)
            raise
        yield from maker.read(output, f"{self.unit.path} ({self.unit.render.kind})", output_of(self.kind), found)

    def _opened(self, maker: Maker, data: bytes, path: str, found: Found) -> bytes:
        """A file that the renderer reads, decrypted if sops wrote it. One that cannot be is an error of the whole unit."""
        return unsealed(data, path, limits_of(self.kind).reading, lambda values: maker.unseal(values, path, found))
