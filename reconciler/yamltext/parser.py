"""From the parser's events to documents: a loop with an explicit stack, so that depth is a number and not a crash.

Steps, in this order, because each protects the next:
1. bytes to readable text (`characters`): size, UTF-8, nothing invisible;
2. libyaml's events one by one: syntax errors get their place;
3. every event is checked before it is kept: depth, documents, anchors, aliases, tags, directives;
4. a value joins its parent: keys are text, none twice, no merge key;
5. a finished document becomes a ParsedDocument.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, cast

import yaml

from reconciler.errors import Misconfigured
from reconciler.yamltext import scalars
from reconciler.yamltext.characters import HIDDEN, readable
from reconciler.yamltext.nodes import Mark, Node, ParsedDocument, Value

MAX_BYTES = 512 * 1024
MAX_DEPTH = 40
MAX_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """How much is read, and what an unquoted scalar means."""

    bytes: int = MAX_BYTES
    documents: int = MAX_DOCUMENTS
    depth: int = MAX_DEPTH
    plain: Callable[[str], bool | int | float | str | None] = scalars.plain


_TUPLE = tuple.__new__
_CHILDLESS: Mapping[str | int, Node] = {}
_STARTS = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_ENDS = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
_SILENT = frozenset({yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentEndEvent})
DOCUMENT = Reading()  # what Homeostat's own files need


def parse(data: bytes, where: str, reading: Reading = DOCUMENT) -> tuple[ParsedDocument, ...]:
    """Every document of a file, in order; a file without any is ()."""
    text = readable(data, where, reading.bytes)
    builder = _Builder(where, reading)
    with _events(text, where) as next_event:
        while event := next_event():
            builder.take(event)
    roots = tuple(builder.roots)
    return tuple(ParsedDocument(where, index, root.value, root.start, text, lambda: roots) for index, root in enumerate(roots))


def parse_one(data: bytes, where: str) -> ParsedDocument:
    """The only document of a file."""
    documents = parse(data, where)
    if len(documents) != 1:
        place = documents[1].locate(()) if documents else f"{where}:1:1"
        raise Misconfigured(f"expected one document, found {len(documents)}", where=place)
    return documents[0]


@contextlib.contextmanager
def _events(text: str, where: str) -> Iterator[Callable[[], yaml.Event | None]]:
    """What gives one event after the other, None at the end. Asked directly: `yaml.parse` takes as long as the parser itself."""
    loader = None
    try:
        loader = yaml.CSafeLoader(text)
        yield loader.get_event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else f"{where}:1:1"
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise Misconfigured(f"not YAML: {what}", where=place) from error
    except yaml.YAMLError as error:
        raise Misconfigured(f"not YAML: {error}", where=f"{where}:1:1") from error
    finally:
        if loader:
            loader.dispose()


@dataclass(slots=True)
class _Frame:
    """A collection that is still open; `pending` is a key that waits for its value."""

    start: Mark
    style: str
    is_map: bool
    children: dict[str | int, Node] = field(default_factory=dict)
    pending: tuple[str, Mark] | None = None


@dataclass(slots=True)
class _Builder:
    where: str
    reading: Reading
    roots: list[Node] = field(default_factory=list)
    open: list[_Frame] = field(default_factory=list)

    def take(self, event: yaml.Event) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(cast("yaml.ScalarEvent", event))
        elif kind in _STARTS:
            self._open(cast("yaml.CollectionStartEvent", event), is_map=kind is yaml.MappingStartEvent)
        elif kind in _ENDS:
            self._close(_mark(event.end_mark))
        elif kind is yaml.AliasEvent:
            self._refuse(event, "aliases are not allowed: they hide what a place says", "write the value out")
        elif kind is yaml.DocumentStartEvent:
            self._document(cast("yaml.DocumentStartEvent", event))
        elif kind not in _SILENT:
            # Never skipped: a parser that ignores what it does not know reads a guard as an empty file.
            self._refuse(event, f"the parser gave an unknown {kind.__name__}", "check that one PyYAML is installed")

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        if event.version or event.tags:
            self._refuse(event, "directives are not allowed", "remove the % line")
        if len(self.roots) >= self.reading.documents:
            self._refuse(event, f"more than {self.reading.documents} documents", "split the file")

    def _open(self, event: yaml.CollectionStartEvent, *, is_map: bool) -> None:
        if event.anchor is not None or event.tag is not None:
            self._marked(event)
        if len(self.open) >= self.reading.depth:
            self._refuse(event, f"nested deeper than {self.reading.depth}", "flatten the document")
        if self._expects_key():
            self._refuse(event, "a key must be text", "quote it")
        self.open.append(_Frame(_mark(event.start_mark), "flow" if event.flow_style else "block", is_map))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.anchor is not None or event.tag is not None:
            self._marked(event)
        style: str = event.style or "plain"
        value: Value = event.value
        if style == "plain":
            try:
                value = self.reading.plain(event.value)
            except ValueError as error:
                self._refuse(event, str(error), "quote it to make it text")
        elif style == '"' and HIDDEN.search(event.value):  # escapes can write what bytes may not hold
            self._refuse(event, "an escape in this text makes a character that readers cannot see", "remove it")
        if self._expects_key():
            self._key(event, value, style)
        else:
            self._join(value, style, _mark(event.start_mark), _mark(event.end_mark), _CHILDLESS)

    def _close(self, end: Mark) -> None:
        frame = self.open.pop()
        values = {name: node.value for name, node in frame.children.items()}
        value: Value = cast("dict[str, Value]", values) if frame.is_map else list(values.values())
        self._join(value, frame.style, frame.start, end, frame.children)

    def _join(self, value: Value, style: str, start: Mark, end: Mark, children: Mapping[str | int, Node]) -> None:
        frame = self.open[-1] if self.open else None
        if frame is None:
            self.roots.append(Node(value, style, start, end, children))
        elif frame.pending is None:
            frame.children[len(frame.children)] = Node(value, style, start, end, children)
        else:
            name, mark = frame.pending
            frame.children[name] = Node(value, style, start, end, children, mark)
            frame.pending = None

    def _key(self, event: yaml.ScalarEvent, value: Value, style: str) -> None:
        frame = self.open[-1]
        if not isinstance(value, str) or style in "|>":
            self._refuse(event, "a key must be text", "quote it")
        if value == "<<":
            self._refuse(event, "merge keys are not allowed", "write the fields out")
        if value in frame.children:
            first = frame.children[value].key
            line = first.line if first else 1
            self._refuse(event, f"key {value[:60]!r} stands here twice, first in line {line}", "keep one of them")
        frame.pending = (value, _mark(event.start_mark))

    def _expects_key(self) -> bool:
        return bool(self.open) and self.open[-1].is_map and self.open[-1].pending is None

    def _marked(self, event: yaml.NodeEvent) -> NoReturn:
        if event.anchor is not None:
            self._refuse(event, "anchors are not allowed", "remove the & name")
        self._refuse(event, "tags are not allowed", "remove the ! name")

    def _refuse(self, event: yaml.Event, what: str, next_step: str) -> NoReturn:
        mark = _mark(event.start_mark)
        raise Misconfigured(what, where=f"{self.where}:{mark.line}:{mark.column}", next_step=next_step)


class _Place(Protocol):
    """What both of PyYAML's mark classes have."""

    @property
    def index(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def _mark(mark: _Place | None) -> Mark:
    """Made without asking the class: there are two or three of them for each word of a file."""
    return _TUPLE(Mark, (mark.index, mark.line + 1, mark.column + 1)) if mark else Mark(0, 1, 1)
