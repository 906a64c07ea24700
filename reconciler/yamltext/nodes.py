"""A parsed document: plain values, and for every one of them its place in the file.

Places are 1-based lines and columns for people, and offsets for `edits`. Offsets inside are characters as the parser
counts them; `Span` translates to bytes, which is what an edit replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
Pointer = tuple[str | int, ...]  # keys and indexes from the document's root


class Mark(NamedTuple):
    """A place: character offset, 1-based line and column."""

    offset: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes of one scalar as written, quotes included; `raw` is their text."""

    start: int
    end: int
    raw: str


class Node(NamedTuple):
    """One value with its place. `style` is how it is written: plain ' " | > for scalars, block or flow otherwise.

    The end of a block collection is where the parser noticed it, comments and blank lines included; the end of a
    scalar or of a flow collection is exact.
    """

    value: Value
    style: str
    start: Mark
    end: Mark
    children: Mapping[str | int, Node]
    key: Mark | None = None  # where the key of this value starts, in a mapping

    @property
    def is_scalar(self) -> bool:
        return not isinstance(self.value, dict | list)


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """One document of a file. `value` is plain Python; `where` is the file's name as given. The nodes of all documents of the
    file may be made only when somebody asks.
    """

    where: str
    index: int
    value: Value
    start: Mark
    text: str  # of the whole file
    roots: Callable[[], Sequence[Node]] = field(repr=False, compare=False)

    @property
    def root(self) -> Node:
        return self.roots()[self.index]

    def node(self, pointer: Pointer) -> Node | None:
        """The node at a pointer, None when there is none."""
        found, depth = self._deepest(pointer)
        return found if depth == len(pointer) else None

    def at(self, pointer: Pointer, *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value at a pointer (of its key when `key`), or of its nearest existing ancestor."""
        if not pointer:
            return self.start.line, self.start.column
        node, depth = self._deepest(pointer)
        mark = node.key if key and depth == len(pointer) and node.key else node.start
        return mark.line, mark.column

    def locate(self, pointer: Pointer, *, key: bool = False) -> str:
        """`file:line:column` of a pointer, as every error shows it."""
        line, column = self.at(pointer, key=key)
        return f"{self.where}:{line}:{column}"

    def span(self, pointer: Pointer) -> Span | None:
        """The bytes of the scalar at a pointer; None when there is no scalar."""
        node = self.node(pointer)
        if node is None or not node.is_scalar:
            return None
        raw = self.text[node.start.offset : node.end.offset]
        start = self.byte(node.start.offset)
        return Span(start, start + len(raw.encode()), raw)

    def byte(self, offset: int) -> int:
        """The byte offset of a character offset."""
        return offset if self.text.isascii() else len(self.text[:offset].encode())

    def _deepest(self, pointer: Pointer) -> tuple[Node, int]:
        node = self.root
        for depth, step in enumerate(pointer):
            child = node.children.get(step)
            if child is None:
                return node, depth
            node = child
        return node, len(pointer)
