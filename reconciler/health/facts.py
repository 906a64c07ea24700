"""What one Kubernetes object says, read once and defensively, for rules and inference alike.

In: whatever the API server (or a test, or a broken controller) returned. Out: `Facts`, or a `problem` in words when a part
has a shape that cannot be believed. Nothing here raises, recurses or costs more than the caps below.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from reconciler.health.words import tokens

MAX_CONDITIONS: Final = 200
MAX_SAID: Final = 300  # characters of a message that is passed on
MAX_LOOKED_AT: Final = 200  # fields of a status, and of a map in it that is looked through at once
MAX_DIGITS: Final = 18  # of a generation that is a text
_PAST: Final = ("history", "previous", "past", "old", "last", "backup", "snapshot")  # parts of a status that tell of what was
_NOTHING: Final[Mapping[str, Any]] = {}


class ShapeError(ValueError):
    """A part of an object has a shape that cannot be believed."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a status. `status` is True, False, or whatever else was written."""

    type: str
    status: str
    reason: str
    message: str
    severity: str
    stale: bool  # it speaks of an older generation

    @property
    def says(self) -> str:
        return f"{self.type} is {self.status}" + "".join(f": {text}" for text in (self.reason, self.message) if text)


@dataclass(frozen=True, slots=True)
class Facts:
    """One object. `problem` is why it cannot be judged, "" when it can."""

    group: str
    kind: str
    object: Mapping[str, Any]
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    conditions: tuple[Condition, ...]
    problem: str = ""

    @property
    def deleting(self) -> bool:
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def behind(self) -> bool:
        """Whether the status speaks of an older generation of the spec."""
        seen, wanted = self.status.get("observedGeneration"), self.metadata.get("generation")
        if isinstance(seen, str) and len(seen) <= MAX_DIGITS and seen.isdecimal():
            seen = int(seen)  # some controllers write a text
        return whole(seen) and whole(wanted) and seen < wanted

    def text(self, path: str) -> str:
        """The text at a dotted path, "" when there is none."""
        value: object = self.object
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else ""


def whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number (a bool is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def of_the_past(name: object) -> bool:
    """Whether a field tells of what was."""
    return isinstance(name, str) and _past(name[:MAX_SAID])


@functools.lru_cache(maxsize=4_096)
def _past(name: str) -> bool:
    return any(token.startswith(_PAST) for token in tokens(name))  # elasticsearch is not of the last, nor gold of the old


def said(text: str) -> str:
    """One line that may be shown and recorded."""
    if len(text) <= MAX_SAID and text.isprintable():
        return text
    line = "".join(ch if ch.isprintable() else " " for ch in text[: MAX_SAID + 1])
    return line if len(line) <= MAX_SAID else line[: MAX_SAID - 1] + "…"


def read(live: object) -> Facts:
    """The facts of an object; total."""
    if not isinstance(live, Mapping):
        return _unreadable(f"an object is a map, this is {type(live).__name__}")
    version, kind = live.get("apiVersion"), live.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str) or not version or not kind:
        return _unreadable("it has no apiVersion and kind")
    parts: dict[str, Mapping[str, Any]] = {}
    for name in ("metadata", "spec", "status"):
        part = live.get(name)
        if part is not None and type(part) is not dict and not isinstance(part, Mapping):
            return _unreadable(f"{name} is {type(part).__name__}, not a map", kind)
        parts[name] = _NOTHING if part is None else part
    generation = parts["metadata"].get("generation")
    try:
        conditions = tuple(_conditions(parts["status"], generation))
    except ShapeError as error:
        return _unreadable(str(error), kind)
    return Facts(version.rpartition("/")[0], kind, live, parts["metadata"], parts["spec"], parts["status"], conditions)


def conditions_in(found: object, generation: object, where: str) -> Iterator[Condition]:
    """The conditions of a list; ShapeError when it is none."""
    if found is None:
        return
    if not isinstance(found, (list, tuple)):
        raise ShapeError(f"{where} is {type(found).__name__}, not a list")
    if len(found) > MAX_CONDITIONS:
        raise ShapeError(f"{where} has more than {MAX_CONDITIONS} items")
    for item in found:
        if not isinstance(item, (dict, Mapping)) or not isinstance(item.get("type", ""), str):
            raise ShapeError(f"{where} holds something that is no condition")
        if "type" not in item:
            continue  # some controllers keep the history of their phases under this name
        seen = item.get("observedGeneration")
        yield Condition(
            type=item["type"],
            status=_status(item.get("status")),
            reason=_text(item.get("reason")),
            message=_text(item.get("message")),
            severity=_text(item.get("severity")),
            stale=whole(seen) and whole(generation) and seen < generation,
        )


def _conditions(status: Mapping[str, Any], generation: object) -> Iterator[Condition]:
    nested = status.get("conditionedStatus")
    found = status.get("conditions")
    if found is None and isinstance(nested, Mapping):
        found = nested.get("conditions")
    yield from conditions_in(found, generation, "status.conditions")


def _status(value: object) -> str:
    """Some controllers write a bool, or the word in lower case."""
    text = str(value) if isinstance(value, bool) else _text(value)
    return text.capitalize() if text.lower() in ("true", "false") else text or "Unknown"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _unreadable(problem: str, kind: str = "") -> Facts:
    return Facts("", kind, _NOTHING, _NOTHING, _NOTHING, _NOTHING, (), problem)
