"""Reading JSON that anybody may have written: every function here is total, and what has another shape is simply not there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

MAX_ITEMS: Final = 200  # of a list that are looked at
_NOTHING: Final[Mapping[str, Any]] = {}


def part(value: object, *path: str) -> Mapping[str, Any]:
    """The map at a path, {} where there is none."""
    found = _at(value, path)
    return found if isinstance(found, Mapping) else _NOTHING


def text(value: object, *path: str) -> str:
    found = _at(value, path)
    return found if isinstance(found, str) else ""


def whole(value: object, *path: str) -> int:
    found = _at(value, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def items(value: object, *path: str) -> list[Mapping[str, Any]]:
    """The maps in the list at a path, the first MAX_ITEMS of it."""
    found = _at(value, path)
    return [item for item in found[:MAX_ITEMS] if isinstance(item, Mapping)] if isinstance(found, list) else []


def texts(value: object, *path: str) -> list[str]:
    """The texts in the list at a path."""
    found = _at(value, path)
    return [item for item in found[:MAX_ITEMS] if isinstance(item, str)] if isinstance(found, list) else []


def when(value: object, *path: str) -> int:
    """Milliseconds of the time at a path, 0 where there is none."""
    try:
        found = datetime.fromisoformat(text(value, *path))
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError):
        return 0


def condition(obj: object, name: str) -> Mapping[str, Any]:
    """The condition of that type, {} where the status has none."""
    return next((c for c in items(obj, "status", "conditions") if text(c, "type") == name), _NOTHING)


def holds(obj: object, name: str, status: str = "True") -> bool:
    return text(condition(obj, name), "status") == status


def _at(value: object, path: tuple[str, ...]) -> object:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None  # a map of JSON is a dict: no abstract class is asked
    return value
