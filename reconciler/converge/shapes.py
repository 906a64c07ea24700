"""Shapes: what one manifest becomes for a target of some kind. Pure, and total: a value or Misconfigured at its place.

In: a parsed manifest. Out: DesiredObjects.

* `lab` and `directory` take a body: the id is `Kind/name`, labels and annotations are for people and are not applied.
* `kubernetes` takes the whole manifest: the id is `Kind.group/namespace/name` (`ConfigMap/shop/web`), for what lives in no
  namespace `ClusterRole.rbac.authorization.k8s.io/view`. What only an API server may write (status, uid, ...) is left out.

The digest covers what is applied. That of a Secret is keyed: digests are published, and a password can be guessed.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from reconciler.errors import Misconfigured
from reconciler.model.canonical import digest
from reconciler.model.revisions import DesiredObject
from reconciler.yamltext import ParsedDocument, Pointer, Value

Manifest = dict[str, Value]
HEAD = frozenset({"apiVersion", "kind", "metadata"})
KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}\Z")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,3}\Z")
API_VERSION = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?v[a-z0-9]{1,40}\Z")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z")
SEGMENT = re.compile(r"(?!\.{1,2}\Z)[^/%\s]{1,253}\Z")
FREE_NAMES = frozenset({"rbac.authorization.k8s.io", "certificates.k8s.io"})  # groups whose names may hold colons and capitals
SERVERS_OWN = ("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
               "resourceVersion", "selfLink", "uid")  # fmt: skip
CRD = "CustomResourceDefinition.apiextensions.k8s.io"
KUSTOMIZATION = "kustomize.config.k8s.io/"  # what only kustomize reads
MAX_NESTED_LISTS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """One manifest and where it stands: a document of a file, or an item of a List in it."""

    document: ParsedDocument
    value: Manifest
    at: Pointer = ()

    def locate(self, *path: str | int, key: bool = False) -> str:
        return self.document.locate((*self.at, *path), key=key)

    def written_plain(self, path: Pointer) -> bool:
        """Whether a scalar stands there without quotes."""
        node = self.document.node((*self.at, *path))
        return node is not None and node.style == "plain"


@dataclass(frozen=True, slots=True)
class Scopes:
    """Which kinds (`Kind.group`) live in no namespace; those in neither set are unknown."""

    cluster: frozenset[str]
    namespaced: frozenset[str]
    default: str = ""  # the namespace of objects that need one and name none

    def with_definitions(self, manifests: Iterable[Manifest]) -> Scopes:
        """Adds what CustomResourceDefinitions say."""
        told = {name: scope for manifest in manifests for name, scope in _defines(manifest)}
        cluster = frozenset(n for n, s in told.items() if s == "Cluster")
        return Scopes((self.cluster | cluster) - (told.keys() - cluster), self.namespaced | (told.keys() - cluster), self.default)


@dataclass(frozen=True, slots=True)
class Shape:
    """How one kind of target wants its objects."""

    make: Callable[[Place, str], DesiredObject]
    fold: Callable[[str], str]  # two ids that fold to the same are one thing in that target
    whole: bool  # whether it takes whole manifests, which are then adjusted and read as Kubernetes reads them


def shape_of(kind: str, scopes: Scopes | None = None, secret_key: bytes = b"") -> Shape:
    """The shape for a target's kind. `secret_key` keys the digests of Secrets."""
    if kind != "kubernetes":
        return PLAIN
    known = scopes or builtin_scopes()
    return Shape(lambda place, unit: _whole(place, unit, known, secret_key), str, whole=True)


def body_digest(body: Mapping[str, Value]) -> str:
    """The digest of an object's body. Without fractions it is `canonical.digest`, which refuses them: nothing signed
    holds this value's parts, and Python, JSON and Git round-trip a written fraction to the same shortest text.
    """
    return digest(_text(body))


def _text(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@functools.cache
def builtin_scopes() -> Scopes:
    """The kinds of Kubernetes itself and of popular operators, from `scopes.json`."""
    told = json.loads(resources.files("reconciler.converge").joinpath("scopes.json").read_bytes())
    return Scopes(frozenset(told["cluster"]), frozenset(told["namespaced"]))


def flatten(document: ParsedDocument, value: Value) -> Iterator[Place]:
    """The manifests of one document, whose value may be decrypted: itself, or the items of a List. An empty one has none."""
    if value is not None:
        yield from _flat(document, value, (), 0)


def _flat(document: ParsedDocument, value: Value, at: Pointer, depth: int) -> Iterator[Place]:
    if not isinstance(value, dict):
        raise Misconfigured("a manifest is a mapping with apiVersion, kind, metadata and spec", where=document.locate(at))
    kind, items = value.get("kind"), value.get("items")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        yield Place(document, value, at)
        return
    if depth >= MAX_NESTED_LISTS:
        raise Misconfigured("lists of lists of lists", where=document.locate(at), next_step="write the objects out")
    for index, item in enumerate(items):
        yield from _flat(document, item, (*at, "items", index), depth + 1)


def qualified(manifest: Mapping[str, Value]) -> str:
    """`Kind.group`, as ids begin."""
    api, kind = str(manifest.get("apiVersion", "")), str(manifest.get("kind", ""))
    group = api.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind


def _defines(manifest: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    spec = manifest.get("spec")
    if qualified(manifest) != CRD or not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
        return
    names = spec["names"]
    kind = names.get("kind") if isinstance(names, dict) else ""
    yield f"{kind}.{spec.get('group')}", str(spec.get("scope"))


# --- a whole manifest


def _whole(place: Place, unit: str, scopes: Scopes, secret_key: bytes) -> DesiredObject:
    manifest = place.value
    _match(place, manifest.get("kind"), ("kind",), KIND, "a kind such as Deployment")
    api = _match(place, manifest.get("apiVersion"), ("apiVersion",), API_VERSION, "an API version such as apps/v1")
    if api.startswith(KUSTOMIZATION):
        raise Misconfigured(
            "a kustomization among plain manifests", where=place.locate(), next_step="set render: {kind: kustomize} on the unit"
        )
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        raise Misconfigured("metadata is a mapping with a name", where=place.locate("metadata"))
    kind, name = qualified(manifest), _name(place, metadata)
    namespace = _namespace(place, metadata, kind, scopes)
    kept = {key: value for key, value in metadata.items() if key not in SERVERS_OWN and key != "namespace"}
    spec = {k: v for k, v in manifest.items() if k != "status"}
    spec["metadata"] = {**kept, "namespace": namespace} if namespace else kept
    secret = is_secret(kind)
    found = "/".join(part for part in (kind, namespace, name) if part)
    return DesiredObject(
        found, unit, spec, place.document.where, keyed_digest(spec, secret_key) if secret else body_digest(spec), secret
    )


def keyed_digest(spec: Mapping[str, Value], key: bytes) -> str:
    """A digest that nobody without the key can compare guesses with; as long as the others."""
    return "sha256:" + hmac.new(key, _text(spec), hashlib.sha256).hexdigest()


def is_secret(kind: str) -> bool:
    """Whether values of this kind (`Kind.group`) are never shown."""
    return kind == "Secret"


def _name(place: Place, metadata: Manifest) -> str:
    if "generateName" in metadata:
        raise Misconfigured(
            "generateName makes a new object at every apply",
            where=place.locate("metadata", "generateName", key=True),
            next_step="write metadata.name; for an act that is done once, write an Operation",
        )
    kind, group = str(place.value["kind"]), str(place.value["apiVersion"]).rpartition("/")[0]
    if group in FREE_NAMES:
        return _match(place, metadata.get("name"), ("metadata", "name"), SEGMENT, "a name without slash, percent and spaces")
    if kind == "Namespace" and not group:
        return _match(place, metadata.get("name"), ("metadata", "name"), LABEL, "a DNS label: at most 63 of a-z, 0-9 and -")
    return _match(place, metadata.get("name"), ("metadata", "name"), SUBDOMAIN, "a DNS name: a-z, 0-9, - and .")


def _namespace(place: Place, metadata: Manifest, kind: str, scopes: Scopes) -> str:
    """As written, else the unit's default, else none where nothing is known about the kind."""
    written = metadata.get("namespace")
    if kind in scopes.cluster:
        return ""
    if written in (None, ""):
        if kind in scopes.namespaced and not scopes.default:
            raise Misconfigured(
                f"{kind} lives in a namespace and names none",
                where=place.locate("metadata"),
                next_step="write metadata.namespace, or adjust.namespace on the unit",
            )
        return scopes.default
    return _match(place, written, ("metadata", "namespace"), LABEL, "a DNS label: at most 63 of a-z, 0-9 and -")


def _match(place: Place, value: Value, at: tuple[str, ...], pattern: re.Pattern[str], form: str) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        said = "is missing" if value is None else f"has to be {form}, not {_shown(value)}"
        raise Misconfigured(f"{'.'.join(at)} {said}", where=place.locate(*at))
    return value


def _shown(value: Value) -> str:
    return repr(value)[:60] if isinstance(value, str) else f"the {type(value).__name__} {str(value)[:40]}"


# --- a body


def _plain(place: Place, unit: str) -> DesiredObject:
    manifest = place.value
    kind = _form(place, manifest.get("kind"), ("kind",), KIND)
    metadata = manifest.get("metadata")
    name = _form(place, metadata.get("name") if isinstance(metadata, dict) else None, ("metadata", "name"), NAME)
    if not isinstance(manifest.get("apiVersion"), str):
        raise Misconfigured("apiVersion is missing", where=place.locate("apiVersion"))
    body = _body(place)
    return DesiredObject(f"{kind}/{name}", unit, body, place.document.where, body_digest(body))


def _form(place: Place, value: Value, at: tuple[str, ...], pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        raise Misconfigured(f"{'.'.join(at)} has to be a text of the form {pattern.pattern}", where=place.locate(*at))
    return value


def _body(place: Place) -> Manifest:
    rest = {key: value for key, value in place.value.items() if key not in HEAD}
    if set(rest) != {"spec"}:
        if "spec" in rest:
            other = next(key for key in rest if key != "spec")
            raise Misconfigured(f"{other!r} beside spec is not desired state", where=place.locate(other, key=True))
        return rest
    spec = rest["spec"]
    if not isinstance(spec, dict):
        raise Misconfigured("spec is a mapping", where=place.locate("spec"))
    return spec


PLAIN = Shape(_plain, str.casefold, whole=False)
