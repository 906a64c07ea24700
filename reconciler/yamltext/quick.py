"""Values without places: for what is read far more often than it is wrong or edited.

The places of a file's values cost three times what its values do. Here the parser's events become values alone; a file in which
anything is unusual is left to `parser`, which says what is wrong with it and where. So whatever is accepted here is accepted
there, with the same values; places are looked up there when somebody asks for one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import yaml

from reconciler.yamltext.characters import HIDDEN, readable
from reconciler.yamltext.nodes import Mark, Node, ParsedDocument
from reconciler.yamltext.parser import Reading, parse

Root = tuple[Any, Mark]
_AROUND: Final = frozenset({yaml.StreamStartEvent, yaml.DocumentEndEvent})


def parse_values(data: bytes, where: str, reading: Reading) -> tuple[ParsedDocument, ...]:
    """What `parse` gives, and its errors."""
    text = readable(data, where, reading.bytes)
    loader = None
    try:
        loader = yaml.CSafeLoader(text)
        found = _Values(loader.get_event, reading).roots()
    except (_UnusualError, yaml.YAMLError, ValueError):
        return parse(data, where, reading)
    finally:
        if loader:
            loader.dispose()

    @functools.cache
    def nodes() -> tuple[Node, ...]:
        return tuple(document.root for document in parse(data, where, reading))

    return tuple(ParsedDocument(where, index, value, start, text, nodes) for index, (value, start) in enumerate(found))


class _UnusualError(Exception):
    """Something that a reader should look at closer, and perhaps refuse."""


class _Values:
    """As deep as it calls itself, which is bounded. Whatever `parser` refuses is unusual here."""

    def __init__(self, next_event: Callable[[], Any], reading: Reading) -> None:
        self._next, self._plain, self._deepest, self._most = next_event, reading.plain, reading.depth, reading.documents

    def roots(self) -> list[Root]:
        found: list[Root] = []
        while type(event := self._next()) is not yaml.StreamEndEvent:
            kind = type(event)
            if kind is yaml.DocumentStartEvent:
                if event.version or event.tags or len(found) >= self._most:
                    raise _UnusualError
                event = self._next()
                found.append((self._value(event, 0), _mark(event.start_mark)))
            elif kind not in _AROUND:
                raise _UnusualError
        return found

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._scalar(event)
        if kind is yaml.MappingStartEvent:
            self._opened(event, depth)
            return self._map(depth + 1)
        if kind is yaml.SequenceStartEvent:
            self._opened(event, depth)
            return self._list(depth + 1)
        raise _UnusualError  # an alias, or something new

    def _opened(self, event: Any, depth: int) -> None:
        if event.anchor is not None or event.tag is not None or depth >= self._deepest:
            raise _UnusualError

    def _map(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while type(event := self._next()) is yaml.ScalarEvent:
            key = self._scalar(event)
            if type(key) is not str or key == "<<" or key in found or event.style in ("|", ">"):
                raise _UnusualError
            event = self._next()
            found[key] = self._scalar(event) if type(event) is yaml.ScalarEvent else self._value(event, depth)
        if type(event) is not yaml.MappingEndEvent:
            raise _UnusualError
        return found

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            found.append(self._value(event, depth))
        return found

    def _scalar(self, event: Any) -> Any:
        if event.anchor is not None or event.tag is not None:
            raise _UnusualError
        value, style = event.value, event.style
        if not style:
            return self._plain(value)
        if style == '"' and HIDDEN.search(value):  # escapes can write what bytes may not hold
            raise _UnusualError
        return value


def _mark(mark: Any) -> Mark:
    return Mark(mark.index, mark.line + 1, mark.column + 1)
