"""Kustomize: what a kustomization reads, and building it with the installed `kustomize`.

What is read is found by walking from the unit's folder over `resources`, `bases` and `components` to every kustomization it
reaches, inside the folder or beside it. Of each one, a file counts as read when any text in the kustomization, or in a file of
transformers, generators or validators, names it: more than is needed, never less, and no list of fields to keep up with.
In the known fields a path that is not in the repository is refused at its place, and so is every address of another machine:
nothing is ever fetched. Kustomize itself reads no file outside of the kustomization that names it, runs no plug-in and no chart.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.adapters.renderers.child import Limits, Program, exported, run
from reconciler.errors import Misconfigured
from reconciler.ports.renderer import Ask, Reads
from reconciler.ports.repo import Repo
from reconciler.yamltext import ParsedDocument, Pointer, Reading, Value, kubernetes, parse

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
FOLDERS = frozenset({"resources", "bases", "components"})  # entries may be other kustomizations
PATHS = FOLDERS | {"crds", "configurations"}
INLINE = frozenset({"generators", "transformers", "validators", "patchesStrategicMerge"})  # paths, or manifests on the spot
CONFIGURED = frozenset({"generators", "transformers", "validators"})
NESTED = {"patches": "path", "patchesJson6902": "path", "replacements": "path"}
GENERATORS = frozenset({"configMapGenerator", "secretGenerator"})
CHARTS = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://|^git@|^git::|[?&]ref=|^(github|gitlab|bitbucket)\.[a-z]+[/:]")
MAX_KUSTOMIZATIONS = 500
MAX_READ = 20_000
READING = Reading(1024 * 1024, 1_000, 60, kubernetes)


class KustomizeRenderer:
    """A Renderer."""

    def __init__(self, program: str = "", limits: Limits | None = None) -> None:
        self._program = Program("kustomize", program)
        self._limits = limits or Limits()

    def version(self) -> str:
        return self._program.version("version")

    def reads(self, ask: Ask, repo: Repo, revision: str) -> Reads:
        return _Walk(repo, revision).from_root(ask.path)

    def render(self, ask: Ask, files: Mapping[str, bytes], *, secret: bool) -> bytes:
        with exported(files, secret=secret) as folder:
            arguments = ("build", "--load-restrictor", "LoadRestrictionsRootOnly", str(folder / "in" / ask.path))
            return run(self._program.path(), arguments, folder, self._limits)


@dataclass
class _Walk:
    """One walk over a revision. Everything is a path from the repository's root."""

    repo: Repo
    revision: str
    files: dict[str, str] = field(default_factory=dict)
    roots: dict[str, Mapping[str, str]] = field(default_factory=dict)  # each kustomization's folder and all files below it

    def from_root(self, start: str) -> Reads:
        waiting = [(start, "")]
        while waiting:
            root, named_at = waiting.pop()
            if root not in self.roots:
                waiting += self._kustomization(root, named_at)
        around = frozenset(root for root in self.roots if root != start and not root.startswith(f"{start}/"))
        return Reads(self.files, around)

    def _kustomization(self, root: str, named_at: str) -> list[tuple[str, str]]:
        """Reads one kustomization; the folders of others that it names, each with the place."""
        if len(self.roots) >= MAX_KUSTOMIZATIONS:
            raise Misconfigured(f"more than {MAX_KUSTOMIZATIONS} kustomizations in one unit", next_step="split the unit")
        listing = self.roots[root] = self.repo.files(self.revision, root) if self.repo.tree(self.revision, root) else {}
        found = [f"{root}/{name}" for name in NAMES if f"{root}/{name}" in listing]
        if len(found) != 1:
            what = f"{root} holds {'no kustomization.yaml' if not found else ' and '.join(found)}"
            raise Misconfigured(what, where=named_at or root, next_step="a kustomization has exactly one")
        document = self._parsed(found[0], listing[found[0]])
        self._add(found[0], listing)
        return list(self._entries(root, document))

    def _parsed(self, path: str, blob: str) -> ParsedDocument:
        documents = parse(self.repo.blob(blob), path, READING)
        if len(documents) != 1 or not isinstance(documents[0].value, dict):
            raise Misconfigured("a kustomization is one mapping", where=f"{path}:1:1")
        return documents[0]

    def _add(self, path: str, listing: Mapping[str, str]) -> None:
        self.files[path] = listing[path]
        if len(self.files) > MAX_READ:
            raise Misconfigured(f"more than {MAX_READ} files in one unit", where=path, next_step="split the unit")

    def _entries(self, root: str, document: ParsedDocument) -> Iterator[tuple[str, str]]:
        value = document.value
        assert isinstance(value, dict)  # noqa: S101  # checked when it was parsed; for the type checker
        for name in CHARTS:
            if value.get(name):
                raise Misconfigured(
                    f"{name}: kustomize is not let run Helm",
                    where=document.locate((name,), key=True),
                    next_step="make the chart a unit of its own with render.kind helm",
                )
        for pointer, text in _paths(value):
            yield from self._entry(root, document, pointer, text)
        for _, text in _texts(value, ()):
            self._maybe(root, text)
        for name in CONFIGURED:
            for text in _items(value, name):
                self._configuration(root, text)

    def _entry(self, root: str, document: ParsedDocument, pointer: Pointer, text: str) -> Iterator[tuple[str, str]]:
        """One path in a field that holds paths."""
        where = document.locate(pointer)
        path, listing = self._resolve(root, text), self.roots[root]
        if path in listing:
            self._add(path, listing)
        elif pointer[0] in FOLDERS | CONFIGURED and path and self.repo.tree(self.revision, path):
            yield path, where
        elif REMOTE.search(text):
            raise Misconfigured(
                f"{text[:200]} lies on another machine, and nothing is fetched", where=where,
                next_step="commit a copy into the repository and name its path",
            )  # fmt: skip
        elif pointer[0] not in INLINE or not ("\n" in text or ":" in text):
            raise Misconfigured(
                f"{text[:200]} is not in the repository below {root}", where=where,
                next_step="only other kustomizations may lie outside of the one that names them",
            )  # fmt: skip

    def _resolve(self, root: str, text: str) -> str:
        """A path from the repository's root; "" for what leads out of it or to all of it."""
        path = posixpath.normpath(posixpath.join(root, text))
        return "" if text.startswith("/") or path in (".", "..") or path.startswith("../") else path

    def _maybe(self, root: str, text: str) -> None:
        """Any other text: a file is read if it names one. `name=file` is how generators write it."""
        for candidate in (text, text.partition("=")[2]):
            path = self._resolve(root, candidate) if candidate and "\n" not in candidate else ""
            if path in self.roots[root]:
                self._add(path, self.roots[root])

    def _configuration(self, root: str, text: str) -> None:
        """A file of transformers and their like names files of its own."""
        path = self._resolve(root, text)
        if path not in self.roots[root]:
            return
        for document in parse(self.repo.blob(self.roots[root][path]), path, READING):
            for _, named in _texts(document.value, ()):
                self._maybe(root, named)


def _items(value: Mapping[str, Value], name: str) -> Iterator[str]:
    items = value.get(name)
    yield from (item for item in (items if isinstance(items, list) else ()) if isinstance(item, str))


def _paths(value: Mapping[str, Value]) -> Iterator[tuple[Pointer, str]]:
    """Every text in a field that holds paths, with its pointer."""
    for name in sorted(PATHS | INLINE):
        items = value.get(name)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, str):
                yield (name, index), item
    for name in sorted(NESTED.keys() | GENERATORS):
        items = value.get(name)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                yield from _nested(name, index, item)
    openapi = value.get("openapi")
    if isinstance(openapi, dict) and isinstance(path := openapi.get("path"), str):
        yield ("openapi", "path"), path


def _nested(name: str, index: int, item: Mapping[str, Value]) -> Iterator[tuple[Pointer, str]]:
    if name in NESTED:
        path = item.get(NESTED[name])
        if isinstance(path, str) and path:
            yield (name, index, NESTED[name]), path
        return
    if isinstance(env := item.get("env"), str):
        yield (name, index, "env"), env
    for field_name in ("files", "envs"):
        for at, text in enumerate(_items(item, field_name)):
            yield (name, index, field_name, at), text.partition("=")[2] if "=" in text and field_name == "files" else text


def _texts(value: Value, at: Pointer) -> Iterator[tuple[Pointer, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*at, index))
    elif isinstance(value, str):
        yield at, value
