"""From what pydantic says about a model to the place in the file that a person has to edit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from reconciler.yamltext import ParsedDocument

Place = tuple[str | int, ...]

# Validators of a whole spec say where they look: `units[3].path: ...`.
_SAID: Final = re.compile(r"^(?:Value error, )?(?P<path>[a-z]\w*(?:\[\d+\]|\.\w+)*): (?P<rest>.+)$", re.DOTALL)


def said_at(pointer: Place) -> str:
    """A pointer as people write it: `spec.units[3].path`."""
    text = ""
    for step in pointer:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "the document"


def pointer_of(loc: Sequence[str | int], message: str, parsed: ParsedDocument) -> tuple[Place, str]:
    """The pointer of a pydantic error and its message without decoration."""
    pointer = _real(loc, parsed)
    if (said := _SAID.match(message)) and parsed.node((*pointer, *_steps(said["path"]))) is not None:
        return (*pointer, *_steps(said["path"])), said["rest"]
    return pointer, message.removeprefix("Value error, ")


def _real(loc: Sequence[str | int], parsed: ParsedDocument) -> Place:
    """Drops the names of union arms, which stand in pydantic's path and nowhere in the file; keeps a missing last step."""
    pointer: Place = ()
    for at, step in enumerate(loc):
        if parsed.node((*pointer, step)) is not None or (at == len(loc) - 1 and isinstance(_value(pointer, parsed), dict)):
            pointer = (*pointer, step)
    return pointer


def _value(pointer: Place, parsed: ParsedDocument) -> object:
    node = parsed.node(pointer)
    return node.value if node is not None else None


def _steps(path: str) -> Place:
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"\w+", path))
