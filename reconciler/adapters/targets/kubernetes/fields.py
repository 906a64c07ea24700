"""Fields: who owns what in a live object, read from `metadata.managedFields`.

A field's path is a JSON pointer in which an item of a keyed list is named by its key: `/spec/containers[name=web]/image`.
Unit files (masks), drift messages and plans all use these paths.

In: a live object and our field manager. Out: the leaves that we own with a print of each value (`Owned`), and where a desired
manifest and the live object are apart (`apart`). Nothing here needs a schema: the server has written down what a leaf is.
"""

from __future__ import annotations

import functools
import json
import marshal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.targets.kubernetes import jsons

MANAGER = "homeostat"
OURS = ("/metadata/labels/homeostat.dev~1", "/metadata/annotations/homeostat.dev~1")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Owned:
    """Paths in order, and a print of each value. Objects of one shape share one tuple of paths."""

    paths: tuple[str, ...] = ()
    prints: tuple[int, ...] = ()

    def changed(self, before: Owned) -> tuple[str, ...]:
        """Paths that were ours and are not, or hold another value."""
        if self == before:
            return ()
        now = dict(zip(self.paths, self.prints, strict=True))
        return tuple(p for p, v in zip(before.paths, before.prints, strict=True) if now.get(p) != v)

    def without(self, paths: frozenset[str]) -> Owned:
        if not paths:
            return self
        kept = [(p, v) for p, v in zip(self.paths, self.prints, strict=True) if p not in paths]
        return Owned(tuple(p for p, _ in kept), tuple(v for _, v in kept))


_SHAPES: dict[tuple[str, ...], tuple[str, ...]] = {}
KNOWN_SHAPES, LONGEST_SHAPE = 1_024, 8_192  # kept; bytes of one that is worth keeping


@dataclass(frozen=True, slots=True)
class _Below:
    """One step down to a field that we own; `slot` is where its print belongs, -1 for what only leads on."""

    part: str | Mapping[str, Any]
    slot: int
    below: tuple[_Below, ...]


def owned(live: Mapping[str, Any]) -> Owned:
    """What our manager owns by server-side apply. Objects of one shape differ in values only: a shape is read once."""
    tree = _tree(live)
    if not tree:
        return Owned()
    shape = marshal.dumps(dict(tree), 2)  # the cheapest print of it; later versions tell of identity
    paths, below = _kept_shape(shape) if len(shape) <= LONGEST_SHAPE else _shape(shape)
    prints = [0] * len(paths)
    _fill(below, live, prints)
    return Owned(paths, tuple(prints))


def _shape(shape: bytes) -> tuple[tuple[str, ...], tuple[_Below, ...]]:
    """The paths of the leaves of one `fieldsV1`, in order, and how to get at each."""
    tree = marshal.loads(shape)  # noqa: S302 - our own bytes of a moment ago
    found = sorted(path for path, _ in _leaves(tree, None, "") if not path.startswith(OURS))
    paths = tuple(map(sys.intern, found))
    slots = {path: slot for slot, path in enumerate(paths)}
    return _SHAPES.setdefault(paths, paths), _compiled(tree, "", slots)


_kept_shape = functools.lru_cache(maxsize=KNOWN_SHAPES)(_shape)


def _compiled(tree: Mapping[str, Any], at: str, slots: Mapping[str, int]) -> tuple[_Below, ...]:
    found = []
    for key, deeper in tree.items():
        if key != ".":
            part, text = _part(key)
            below = _compiled(deeper or {}, at + text, slots)
            slot = -1 if below else slots.get(at + text, -1)
            if below or slot >= 0:
                found.append(_Below(part, slot, below))
    return tuple(found)


def _fill(below: tuple[_Below, ...], value: Any, prints: list[int]) -> None:
    of_keys = type(value) is dict  # nearly always, and then nothing else needs to be asked
    for step in below:
        part = step.part
        item = value.get(part, _MISSING) if of_keys and type(part) is str else _item(value, part)
        if step.below:
            _fill(step.below, item, prints)
        else:
            prints[step.slot] = _print(item)


def owners(live: Mapping[str, Any], path: str) -> tuple[tuple[str, str], ...]:
    """(manager, subresource) of everybody else who owns a path or a part of it."""
    found = []
    for entry in _entries(live):
        if entry.get("manager") == MANAGER:
            continue
        fields = entry.get("fieldsV1")
        if isinstance(fields, Mapping) and any(p == path for p, _ in _leaves(fields, live, "")):
            found.append((str(entry.get("manager", "")), str(entry.get("subresource", ""))))
    return tuple(found)


def apart(desired: Mapping[str, Any], live: Mapping[str, Any]) -> tuple[str, ...]:
    """Paths of desired leaves that are not ours or not as desired. A value that the server writes differently ("1000m" and
    "1") counts as apart: who needs certainty asks the server.
    """
    tree = _tree(live)
    return tuple(p for p in _apart(desired, live, tree or {}, "") if p not in _IDENTITY and not p.startswith(OURS))


_IDENTITY = frozenset({"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"})


def writers(live: Mapping[str, Any]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Each field manager with its subresource and the leaves that it owns."""
    for entry in _entries(live):
        fields = entry.get("fieldsV1")
        leaves = frozenset(path for path, _ in _leaves(fields, None, "")) if isinstance(fields, Mapping) else frozenset[str]()
        yield str(entry.get("manager", "")), str(entry.get("subresource", "")), leaves


def value_at(value: Any, path: str) -> Any:
    """The value at a path; None when there is none."""
    for part in steps(path):
        value = _item(value, part)
        if value is _MISSING:
            return None
    return value


def without(value: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """A copy without these leaves; maps and lists that become empty by it go too."""
    copy = json.loads(json.dumps(value))
    for path in paths:
        _drop(copy, list(steps(path)))
    return dict(copy)


def steps(path: str) -> Iterator[str | Mapping[str, Any]]:
    """The parts of a path: a key, or the key fields of a list's item."""
    for part in path.split("/")[1:]:
        name, bracket, rest = part.partition("[")
        if name:
            yield _plain(name)
        if bracket:
            yield _keys(rest.rstrip("]"))


def pointer(dotted: str) -> str:
    """A field as the API server's conflicts name it (`.spec.containers[name="web"].image`) as one of our paths."""
    found, at = "", 0
    while at < len(dotted):
        if dotted[at] == "[":
            end = _closing(dotted, at)
            pairs = (pair.partition("=") for pair in dotted[at + 1 : end].split(","))
            found += "[" + ",".join(f"{escaped(k)}={escaped(v.strip(chr(34)))}" for k, _, v in sorted(pairs)) + "]"
            at = end + 1
        else:
            end = next((i for i in range(at + 1, len(dotted)) if dotted[i] in ".["), len(dotted))
            found += "/" + escaped(dotted[at:end].lstrip("."))
            at = end
    return found


def _closing(text: str, start: int) -> int:
    quoted = False
    for at in range(start, len(text)):
        quoted ^= text[at] == '"'
        if text[at] == "]" and not quoted:
            return at
    return len(text)


def _keys(text: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for pair in text.split(","):
        key, _, raw = pair.partition("=")
        try:
            found[_plain(key)] = json.loads(_plain(raw))
        except ValueError:
            found[_plain(key)] = _plain(raw)
    return found


def _drop(value: Any, parts: list[Any]) -> bool:
    """Whether `value` is empty now."""
    head, *rest = parts
    child = _item(value, head)
    if child is _MISSING:
        return False
    if not rest or (_drop(child, rest) and not child):
        if isinstance(value, dict):
            value.pop(head, None)
        elif isinstance(value, list):
            value.remove(child)
    return not value


def _item(value: Any, part: str | Mapping[str, Any]) -> Any:
    if isinstance(part, str):
        return value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
    if not isinstance(value, list):
        return _MISSING
    if "" in part:
        return part[""] if part[""] in value else _MISSING
    for item in value:
        if isinstance(item, dict) and _keyed(item, part):
            return item
    return _MISSING


def _keyed(item: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    """Compared as text: a path does not tell 80 from "80"."""
    for key, wanted in keys.items():
        held = item.get(key, _MISSING)
        if held is _MISSING:
            held = _default(key)
        if (held != wanted or type(held) is not type(wanted)) and _word(held) != _word(wanted):
            return False
    return True


def _entries(live: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    metadata = live.get("metadata")
    entries = metadata.get("managedFields") if isinstance(metadata, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry


def _tree(live: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for entry in _entries(live):
        if entry.get("manager") == MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields = entry.get("fieldsV1")
            return fields if isinstance(fields, Mapping) else None
    return None


def _leaves(tree: Mapping[str, Any], value: Any, at: str) -> Iterator[tuple[str, Any]]:
    below = [key for key in tree if key != "."]
    if not below:
        yield at, value
    for key in below:
        part, text = _part(key)
        yield from _leaves(tree[key] or {}, _item(value, part), at + text)


@functools.lru_cache(maxsize=8_192)
def _part(key: str) -> tuple[str | Mapping[str, Any], str]:
    """A key of fieldsV1 as a step and as text. Objects of one kind repeat the same few."""
    kind, _, rest = key.partition(":")
    if kind == "f":
        return rest, "/" + escaped(rest)
    if kind == "k":
        keys = json.loads(rest)
        return keys, "[" + ",".join(f"{escaped(k)}={escaped(_word(v))}" for k, v in sorted(keys.items())) + "]"
    if kind == "v":
        return {"": json.loads(rest)}, f"[={escaped(_word(json.loads(rest)))}]"
    return rest, f"/{escaped(key)}"


def _word(value: Any) -> str:
    if type(value) is int:
        return str(value)  # as JSON writes it, without asking an encoder
    return value if isinstance(value, str) else json.dumps(value)


def escaped(text: str) -> str:
    for raw, safe in (("~", "~0"), ("/", "~1"), ("[", "~2"), ("]", "~3"), ("=", "~4"), (",", "~5")):
        text = text.replace(raw, safe)
    return text


def _plain(text: str) -> str:
    for raw, safe in (("/", "~1"), ("[", "~2"), ("]", "~3"), ("=", "~4"), (",", "~5"), ("~", "~0")):
        text = text.replace(safe, raw)
    return text


def _print(value: Any) -> int:
    if isinstance(value, str):
        return hash(value)
    if type(value) is int:
        return hash(str(value))  # as JSON writes it, without asking an encoder
    return hash(jsons.ordered(value)) if value is not _MISSING else 0


def _apart(desired: Any, live: Any, tree: Mapping[str, Any], at: str) -> Iterator[str]:
    below = [key for key in tree if key != "."]
    if not below:
        if live is _MISSING or _print(desired) != _print(live):
            yield at
        return
    if isinstance(desired, Mapping):
        for key, item in desired.items():
            if item is None:
                continue
            held = tree.get("f:" + key)
            if held is None and not (isinstance(item, (Mapping, list)) and not item):
                yield f"{at}/{escaped(key)}"
            elif held is not None:
                yield from _apart(item, _item(live, key), held, f"{at}/{escaped(key)}")
        return
    if isinstance(desired, list):
        yield from _apart_list(desired, live, tree, below, at)
        return
    yield at


def _apart_list(desired: list[Any], live: Any, tree: Mapping[str, Any], below: list[str], at: str) -> Iterator[str]:
    parts = {key: _part(key) for key in below}
    for index, item in enumerate(desired):
        key = next((k for k, (part, _) in parts.items() if _fits(item, part)), None)
        if key is None:
            yield f"{at}/{index}"
            continue
        part, text = parts.pop(key)
        if isinstance(item, Mapping):
            yield from _apart(item, _item(live, part), tree[key] or {}, at + text)
        elif _item(live, part) is _MISSING:
            yield at + text
    yield from (at + text for _, text in parts.values())  # ours, and no longer desired


def _fits(item: Any, part: str | Mapping[str, Any]) -> bool:
    if isinstance(part, str):
        return False
    if "" in part:
        return bool(item == part[""])
    return isinstance(item, Mapping) and _keyed(item, part)


def _default(key: str) -> Any:
    """List keys with a default that manifests leave out."""
    return "TCP" if key == "protocol" else None
