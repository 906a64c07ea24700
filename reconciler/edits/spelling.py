"""How a value is written where another one stood: same style, and never as something a reader would retype."""

from __future__ import annotations

from reconciler.model.proposals import Scalar
from reconciler.yamltext import is_plain_safe

MAX_TEXT = 1_000


def spellings(value: Scalar, style: str) -> tuple[str, ...]:
    """Every way to write `value` in the place of a scalar of this style, best first; () when there is none."""
    if not isinstance(value, str):
        return (_literal(value),) if style == "plain" else ()
    if len(value) > MAX_TEXT or not value.isprintable():
        return ()
    if style == "'":
        return (_single(value),)
    if style == '"':
        return (_double(value),)
    return (value, _double(value)) if is_plain_safe(value) else (_double(value),)


def _literal(value: bool | int | None) -> str:
    return "null" if value is None else str(value).lower()


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
