"""The types a condition may look at, and the check that a value really has its type, before the engine sees it.

The engine coerces here and there and turns the rest into values of type ERROR; both are too kind for a guard, so
values are checked here, exactly: True is no int, 1 is no double, NaN and text that is not valid Unicode are refused,
and everything has a size. The caps keep the worst condition under about a second (measured in the tests).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_TEXT: Final = 4_096  # characters of one string
MAX_ITEMS: Final = 1_000  # of one list or map; the engine stops at 10,000 iterations in all
MAX_INPUT: Final = 256 * 1_024  # characters of all values of one evaluation
MAX_DEPTH: Final = 24  # levels of an object
_INT64: Final = 2**63


class CelType(enum.StrEnum):
    """What a variable can be. Only `OBJECT` is dynamic, for what others define (a Kubernetes object): everywhere else a
    typo must fail when the document is loaded.
    """

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    STRINGS = "list<string>"
    NUMBERS = "map<string, double>"
    TEXTS = "map<string, string>"
    OBJECT = "map<string, dyn>"


@dataclass(frozen=True, slots=True)
class Tree:
    """A JSON object that was checked and copied by `tree`, the only value an `OBJECT` takes: checked once, asked often."""

    value: Mapping[str, Any]
    size: int


def tree(value: Mapping[str, object]) -> Tree:
    """The object in plain values; TypeError or ValueError when it holds anything but bounded JSON."""
    copied, size = _plain(value, 0)
    return Tree(copied, size)


def _plain(value: object, depth: int) -> tuple[Any, int]:
    if value is None or isinstance(value, bool):
        return value, 1
    if isinstance(value, str):
        return value, _string(value, MAX_INPUT)
    if isinstance(value, (int, float)):
        return value, _int(value) if isinstance(value, int) else _double(value)
    if depth >= MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        _few(len(value))
        fields, size = {}, 1
        for key, item in value.items():
            fields[key], more = _plain(item, depth + 1)
            size = _within(size + _string(key) + more)
        return fields, size
    if isinstance(value, (list, tuple)):
        _few(len(value))
        items, size = [], 1
        for item in value:
            plain, more = _plain(item, depth + 1)
            items.append(plain)
            size = _within(size + more)
        return items, size
    raise TypeError(f"holds {type(value).__name__}, which is no JSON")


def _within(size: int) -> int:
    if size > MAX_INPUT:
        raise ValueError(f"is larger than {MAX_INPUT} characters")
    return size


def size_of(kind: CelType, value: object) -> int:
    """The size of a value of this type in characters; TypeError or ValueError says why it is none."""
    return _SIZES[kind](value)


def _bool(value: object) -> int:
    if not isinstance(value, bool):
        raise TypeError(f"is {type(value).__name__}, not bool")
    return 1


def _int(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"is {type(value).__name__}, not int")
    if not -_INT64 <= value < _INT64:
        raise ValueError("does not fit into 64 bits")
    return 8


def _double(value: object) -> int:
    if not isinstance(value, float):
        raise TypeError(f"is {type(value).__name__}, not double")
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    return 8


def _string(value: object, limit: int = MAX_TEXT) -> int:
    if not isinstance(value, str):
        raise TypeError(f"is {type(value).__name__}, not string")
    if len(value) > limit:
        raise ValueError(f"is longer than {limit} characters")
    try:
        return len(value.encode()) + 1
    except UnicodeEncodeError as error:
        raise ValueError("is not valid Unicode text") from error


def _strings(value: object) -> int:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"is {type(value).__name__}, not a list of strings")
    _few(len(value))
    return sum(_string(item) for item in value) + 1


def _tree(value: object) -> int:
    if not isinstance(value, Tree):
        raise TypeError(f"is {type(value).__name__}, not a checked object")
    return value.size


def _map(of: Callable[[object], int]) -> Callable[[object], int]:
    def check(value: object) -> int:
        if not isinstance(value, Mapping):
            raise TypeError(f"is {type(value).__name__}, not a map")
        _few(len(value))
        return sum(_string(key) + of(item) for key, item in value.items()) + 1

    return check


def _few(count: int) -> None:
    if count > MAX_ITEMS:
        raise ValueError(f"has more than {MAX_ITEMS} items")


_SIZES: Final[Mapping[CelType, Callable[[object], int]]] = {
    CelType.BOOL: _bool,
    CelType.INT: _int,
    CelType.DOUBLE: _double,
    CelType.STRING: _string,
    CelType.STRINGS: _strings,
    CelType.NUMBERS: _map(_double),
    CelType.TEXTS: _map(_string),
    CelType.OBJECT: _tree,
}
