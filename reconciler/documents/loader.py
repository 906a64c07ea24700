"""Bytes to documents, strictly: one file in, frozen models with their places out, or Misconfigured at file:line:column.

Steps, in this order, because each protects the next:
1. `yamltext.parse`: size, depth, UTF-8, duplicate keys, aliases;
2. a mapping with a known apiVersion and kind (a near miss is named);
3. no null anywhere: a blank field has meant "everything" and "nothing" in one fleet (S21);
4. the kind's model, without coercion; unknown keys are refused with the nearest valid key;
5. every problem has its place: `check` returns all of them, `load` raises the first and counts the others.

Pure and cached by content: the same bytes are parsed once.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from pydantic import ValidationError

from reconciler.documents.base import Document
from reconciler.documents.nearest import nearest, valid_keys
from reconciler.documents.places import Place, pointer_of, said_at
from reconciler.documents.registry import API_VERSION, KINDS, model
from reconciler.errors import Misconfigured
from reconciler.model.canonical import digest
from reconciler.yamltext import ParsedDocument, Value, parse

D_co = TypeVar("D_co", bound=Document, covariant=True)
D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file."""

    where: str  # file:line:column
    message: str
    next_step: str = ""

    def error(self) -> Misconfigured:
        return Misconfigured(self.message, where=self.where, next_step=self.next_step)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[D_co]):
    """One document with its place. `digest` is of the whole file's bytes."""

    document: D_co
    path: str
    index: int
    digest: str
    _parsed: ParsedDocument = field(repr=False, compare=False)

    @property
    def kind(self) -> str:
        return type(self.document).__name__

    @property
    def name(self) -> str:
        return self.document.metadata.name

    @property
    def value(self) -> Value:
        """The document as written, in plain values."""
        return self._parsed.value

    def at(self, *pointer: str | int) -> str:
        """`file:line` of a field (YAML names), for explanations; the nearest existing ancestor when it is not written."""
        return f"{self.path}:{self._parsed.at(pointer)[0]}"

    def locate(self, *pointer: str | int) -> str:
        """`file:line:column`, for errors."""
        return self._parsed.locate(pointer)


def load(data: bytes, where: str) -> tuple[Loaded[Document], ...]:
    """Every document of one file; Misconfigured names the first problem and says how many more there are."""
    loaded, problems = _read(data, where)
    if problems:
        first, more = problems[0], len(problems) - 1
        message = f"{first.message} (and {more} more)" if more else first.message
        raise Misconfigured(message, where=first.where, next_step=first.next_step)
    return loaded


def load_one(data: bytes, where: str, kind: type[D]) -> Loaded[D]:
    """The only document of a file, of this kind."""
    found = load(data, where)
    if len(found) != 1 or not isinstance(found[0].document, kind):
        kinds = ", ".join(item.kind for item in found) or "nothing"
        raise Misconfigured(f"expected one {kind.__name__}, found {kinds}", where=f"{where}:1:1")
    return cast("Loaded[D]", found[0])


@functools.lru_cache(maxsize=128)
def kinds(data: bytes, where: str) -> frozenset[str]:
    """What the documents of a file claim to be, without looking at what they say; Misconfigured when it cannot be read at all."""
    values = [item.value for item in parse(data, where)]
    return frozenset(str(value.get("kind", "")) for value in values if isinstance(value, dict))


def check(data: bytes, where: str) -> tuple[Problem, ...]:
    """All problems of one file at once; () means that it loads."""
    return _read(data, where)[1]


@functools.lru_cache(maxsize=128)
def _read(data: bytes, where: str) -> tuple[tuple[Loaded[Document], ...], tuple[Problem, ...]]:
    # 1. the strict parser; its first error ends the file, because no place after it can be believed.
    try:
        parsed = parse(data, where)
    except Misconfigured as error:
        return (), (Problem(error.where or where, error.message.removeprefix(f"{error.where}: "), error.next_step),)
    identity = digest(data)
    loaded: list[Loaded[Document]] = []
    problems: list[Problem] = []
    for index, item in enumerate(parsed):
        document, found = _document(item)
        problems += found
        if document is not None:
            loaded.append(Loaded(document, where, index, identity, item))
    return tuple(loaded), tuple(problems)


def _document(parsed: ParsedDocument) -> tuple[Document | None, list[Problem]]:
    # 2. what it claims to be.
    if (kind := _kind(parsed)) is None:
        return None, [_unknown(parsed)]
    # 3. no nulls.
    if nulls := [_null(parsed, pointer) for pointer in _nulls(parsed.value, ())]:
        return None, nulls
    # 4. the model. Through JSON, so that lists, enums and exact fractions are read strictly and nothing is coerced.
    try:
        return model(kind).model_validate_json(json.dumps(parsed.value)), []
    except ValidationError as error:
        return None, list(_problems(parsed, kind, error))


def _kind(parsed: ParsedDocument) -> str | None:
    value = parsed.value
    if not isinstance(value, dict) or value.get("apiVersion") != API_VERSION:
        return None
    kind = value.get("kind")
    return kind if isinstance(kind, str) and kind in KINDS else None


def _unknown(parsed: ParsedDocument) -> Problem:
    value = parsed.value
    if not isinstance(value, dict):
        return Problem(parsed.locate(()), "a document is a mapping with apiVersion, kind, metadata and spec")
    key, valid = ("kind", list(KINDS)) if value.get("apiVersion") == API_VERSION else ("apiVersion", [API_VERSION])
    if key not in value:
        return Problem(parsed.locate(()), f"{key!r} is missing", f"write {key}: {valid[0]}")
    return Problem(parsed.locate((key,)), f"{key} {value[key]!r} is not known", nearest(str(value[key]), valid))


def _null(parsed: ParsedDocument, pointer: Place) -> Problem:
    return Problem(parsed.locate(pointer, key=True), f"{said_at(pointer)} has no value", "give it one, or remove the key")


def _nulls(value: object, pointer: Place) -> Iterator[Place]:
    if value is None:
        yield pointer
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nulls(item, (*pointer, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls(item, (*pointer, index))


def _problems(parsed: ParsedDocument, kind: str, error: ValidationError) -> Iterator[Problem]:
    """5. one Problem for each thing pydantic found. A union reports every arm; the first line of each place is enough."""
    seen: set[Place] = set()
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        pointer, message = pointer_of(found["loc"], found["msg"], parsed)
        # A list whose only item is wrong is also called too short: the item's own problem says it better.
        follows = found["type"] == "too_short" and any(other[: len(pointer)] == pointer for other in seen)
        if pointer in seen or follows:
            continue
        seen.add(pointer)
        if found["type"] == "extra_forbidden":
            name = str(pointer[-1])
            known = valid_keys(kind, pointer[:-1])
            hint = "another kind has it: remove it" if name in known else nearest(name, known)
            yield Problem(parsed.locate(pointer, key=True), f"{said_at(pointer)} is no field", hint)
        elif found["type"] == "missing":
            yield Problem(parsed.locate(pointer[:-1]), f"{said_at(pointer)} is missing", "add it")
        else:
            yield Problem(parsed.locate(pointer), f"{said_at(pointer)}: {message}")
