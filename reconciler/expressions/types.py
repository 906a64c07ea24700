"""The types a condition may look at, and the check that a value really has its type, before the engine sees it.

The engine coerces here and there and turns the rest into values of type ERROR; both are too kind for a guard, so
values are checked here, exactly: True is no int, 1 is no double, NaN and text that is not valid Unicode are refused,
and everything has a size. The caps keep the worst condition under about a second (measured in the tests).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Final

MAX_TEXT: Final = 4_096  # characters of one string
MAX_ITEMS: Final = 1_000  # of one list or map; the engine stops at 10,000 iterations in all
MAX_INPUT: Final = 256 * 1_024  # characters of all values of one evaluation
_INT64: Final = 2**63


class CelType(enum.StrEnum):
    """What a variable can be. There is no dynamic type: a typo must fail when the document is loaded."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    STRINGS = "list<string>"
    NUMBERS = "map<string, double>"
    TEXTS = "map<string, string>"


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


def _string(value: object) -> int:
    if not isinstance(value, str):
        raise TypeError(f"is {type(value).__name__}, not string")
    if len(value) > MAX_TEXT:
        raise ValueError(f"is longer than {MAX_TEXT} characters")
    try:
        return len(value.encode()) + 1
    except UnicodeEncodeError as error:
        raise ValueError("is not valid Unicode text") from error


def _strings(value: object) -> int:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"is {type(value).__name__}, not a list of strings")
    _few(len(value))
    return sum(_string(item) for item in value) + 1


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
}
