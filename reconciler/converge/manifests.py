"""Manifests: from the files of one unit, or the output of its renderer, to objects; every error with its place.

In: bytes, the kind of the target, what the unit declares. Out: a `Found` with objects, their places and all errors.
Steps: 1. parse within limits, 2. decrypt what is encrypted, in memory, 3. take lists apart, 4. look for hooks, 5. adjust,
6. make objects, none twice. What is wrong with one manifest hides nothing about another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from reconciler.converge.adjust import adjusted
from reconciler.converge.redaction import KnownValues
from reconciler.converge.sealed import is_sealed
from reconciler.converge.shapes import Place, Shape, builtin_scopes, flatten, keyed_digest, qualified, shape_of
from reconciler.converge.values import Place as Error
from reconciler.documents.installation import Unit
from reconciler.documents.installation_render import HelmRender
from reconciler.errors import HomeostatError, Misconfigured, Permanent
from reconciler.model.revisions import DesiredObject
from reconciler.ports.renderer import Secrets
from reconciler.yamltext import DOCUMENT, ParsedDocument, Reading, Value, kubernetes, parse_values

HOOK = "helm.sh/hook"
TESTS = frozenset({"test", "test-success", "test-failure"})
KUBERNETES = "kubernetes"
EMPTIED = "delete the file if its objects should go, or bring them back"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one unit may hold: bounded, in sizes that fit its kind of target."""

    files: int
    bytes: int
    objects: int
    reading: Reading


PLAIN = Limits(2_000, 16 * 1024 * 1024, 5_000, DOCUMENT)
WHOLE = Limits(20_000, 64 * 1024 * 1024, 20_000, Reading(8 * 1024 * 1024, 20_000, 100, kubernetes))


def limits_of(kind: str) -> Limits:
    return WHOLE if kind == KUBERNETES else PLAIN


def output_of(kind: str) -> Reading:
    """For what a renderer printed: a whole unit in one text."""
    limits = limits_of(kind)
    return replace(limits.reading, bytes=limits.bytes, documents=limits.objects)


@dataclass(slots=True)
class Found:
    """What is known of a unit so far. `errors` are about single files and objects."""

    objects: dict[str, DesiredObject] = field(default_factory=dict)  # by what no other id may fold to
    places: dict[str, str] = field(default_factory=dict)
    errors: list[Error] = field(default_factory=list)
    known: KnownValues = field(default_factory=KnownValues)
    retry: bool = False  # an error may be gone without another commit

    def wrong(self, error: HomeostatError) -> None:
        self.errors.append(Error("", self.known.hide(str(error))))


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the objects of one unit for one kind of target. `key` keys the digests of what is secret."""

    unit: Unit
    kind: str
    secrets: Secrets | None
    key: bytes

    def read_file(self, data: bytes, path: str, found: Found) -> Sequence[Place]:
        """Steps 1-3 of a file that a person wrote. One without an object is an error: nothing is deleted by emptying."""
        errors = len(found.errors)
        held = list(self.read(data, path, limits_of(self.kind).reading, found))
        if not held and len(found.errors) == errors:
            found.wrong(Misconfigured("the file holds no object", where=f"{path}:1:1", next_step=EMPTIED))
        return held

    def read(self, data: bytes, where: str, reading: Reading, found: Found) -> Iterator[Place]:
        """Steps 1-3 of one file."""
        try:
            documents = parse_values(data, where, reading)  # 1
            values = [document.value for document in documents]
            if any(map(is_sealed, values)):
                values = self.unseal(values, where, found)  # 2
        except Misconfigured as error:
            found.wrong(error)
            return
        for document, value in zip(documents, values, strict=True):
            try:
                yield from self._manifests(document, value)  # 3
            except Misconfigured as error:
                found.wrong(error)

    def _manifests(self, document: ParsedDocument, value: Value) -> Iterator[Place]:
        if self.kind == KUBERNETES:
            yield from flatten(document, value)
        elif isinstance(value, dict):
            yield Place(document, value)
        elif value is None:
            raise Misconfigured("the document holds no object", where=document.locate(()), next_step=EMPTIED)
        else:
            raise Misconfigured("a manifest is a mapping with apiVersion, kind, metadata and spec", where=document.locate(()))

    def unseal(self, values: Sequence[Value], where: str, found: Found) -> list[Value]:
        """The documents of a file without its seals; remembers what must not be shown."""
        if self.kind != KUBERNETES:
            raise Misconfigured(
                f"encrypted by sops, and a target of kind {self.kind} keeps what it gets readable",
                where=f"{where}:1:1", next_step="decrypt it for this target, or move it to a unit of a Kubernetes target",
            )  # fmt: skip
        if self.secrets is None:
            found.retry = True
            raise Misconfigured(
                "encrypted by sops, and there is no age key here", where=f"{where}:1:1", next_step="give one in settings.yaml"
            )
        try:
            made = self.secrets.decrypt(values, where)
        except Misconfigured:
            found.retry = True
            raise
        for before, after in zip(values, made, strict=True):
            found.known.learn_manifest(before, after)
        return made

    def make(self, places: Sequence[Place], found: Found) -> None:
        """Steps 4-6, into `found`."""
        kept = self._without_hooks(places)
        scopes = replace(
            builtin_scopes(),
            cluster=builtin_scopes().cluster | frozenset(self.unit.adjust.cluster_scoped),
            default=self.unit.adjust.namespace,
        )
        shape = shape_of(self.kind, scopes.with_definitions(place.value for place in kept), self.key)
        for place in kept:
            self._take(place, shape, found)

    def _without_hooks(self, places: Sequence[Place]) -> Sequence[Place]:  # 4
        render = self.unit.render
        if not isinstance(render, HelmRender):
            return places
        hooks = [(place, _hook(place.value)) for place in places]
        meant = [(place, hook) for place, hook in hooks if hook - TESTS]
        if meant and render.hooks == "refuse":
            named = ", ".join(f"{qualified(p.value)} {_named(p.value)} ({','.join(sorted(hook))})" for p, hook in meant[:10])
            raise Permanent(
                f"{self.unit.path}: {len(meant)} objects of the chart are hooks, which only Helm itself runs: {named}",
                next_step="set render.hooks to skip, or to apply them as ordinary objects",
            )
        return [place for place, hook in hooks if not hook or (hook - TESTS and render.hooks == "apply")]

    def _take(self, place: Place, shape: Shape, found: Found) -> None:
        try:
            made = shape.make(adjusted(place, self.unit.adjust) if shape.whole else place, self.unit.name)  # 5, 6
        except Misconfigured as error:
            found.wrong(error)
            return
        if found.known.holds(made.spec) and not made.secret:
            made = replace(made, secret=True, digest=keyed_digest(made.spec, self.key))
        key = shape.fold(made.id)
        if key in found.objects:
            first = found.places[found.objects[key].id]
            found.wrong(Misconfigured(f"{made.id} is already written at {first}", where=place.locate("metadata", "name")))
        elif len(found.objects) >= limits_of(self.kind).objects:
            raise Permanent(f"more than {limits_of(self.kind).objects} objects in one unit", next_step="split the unit")
        else:
            found.objects[key] = made
            found.places[made.id] = place.locate()


def _hook(manifest: dict[str, Value]) -> frozenset[str]:
    metadata = manifest.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    told = notes.get(HOOK) if isinstance(notes, dict) else None
    return frozenset(part.strip() for part in told.split(",")) if isinstance(told, str) else frozenset()


def _named(manifest: dict[str, Value]) -> str:
    metadata = manifest.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
