"""JSON Schemas as Markdown tables: the fields of documents and settings, for the reference pages.

In: what the models publish. Out: one table per part, a link from a field to its part, and every bound. A field without a
description makes this module fail: documented means that the code says it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from reconciler.documents.schemas import file_name, published

Schema = Mapping[str, Any]
_BOUNDS: Final = (
    ("minimum", "at least {}"), ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"), ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"), ("maxLength", "at most {} characters"), ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"), ("maxProperties", "at most {} keys"), ("pattern", "matches `{}`"),
)  # fmt: skip
_ENVELOPE: Final = ("apiVersion", "kind", "metadata")


def flat(text: str) -> str:
    """One line that is safe inside a table."""
    return " ".join(text.split()).replace("|", "\\|").rstrip(".")


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def document_page(kind: str) -> str:
    """The page of one kind: its spec and each part below it."""
    schema = published(kind)
    name = file_name(kind)
    head = f"# {kind}\n\n{flat(str(schema['description']))}.\n\nSchema: [`schemas/{name}`](../../../schemas/{name})."
    own = {name: field for name, field in schema["properties"].items() if name not in _ENVELOPE}
    parts = [head, _table({**schema, "properties": own}, schema.get("$defs", {}))]
    parts += [_part(name, part, schema["$defs"]) for name, part in schema.get("$defs", {}).items()]
    return "\n\n".join(parts)


def settings_table(schema: Schema) -> str:
    """The fields of HOME/settings.yaml, and of each part."""
    defs = schema.get("$defs", {})
    return "\n\n".join([_table(schema, defs), *(_part(name, part, defs) for name, part in defs.items())])


def _part(name: str, part: Schema, defs: Schema) -> str:
    said = flat(str(part.get("description", "")))
    if "properties" in part:
        return f"## {name}\n\n{said}.\n\n{_table(part, defs)}"
    return f"## {name}\n\n{said + '. ' if said else ''}{_type(part)}."


def _table(schema: Schema, defs: Schema) -> str:
    required = schema.get("required", ())
    rows = [(f"`{n}`", _type(f), _default(n, f, required), _said(n, f, defs)) for n, f in schema["properties"].items()]
    return table(("field", "type", "default", "meaning"), rows)


def _default(name: str, field: Schema, required: Sequence[str]) -> str:
    if name in required:
        return "required"
    given = field.get("default")
    if given is None or given == [] or isinstance(given, Mapping):
        return ""
    return f"`{json.dumps(given)}`" if given != "" else "empty"


def _said(name: str, field: Schema, defs: Schema) -> str:
    said = str(field.get("description") or defs.get(_name(field), {}).get("description") or "")
    if not said:
        raise LookupError(f"the field {name!r} has no description")
    bounds = [words.format(str(field[key]).replace("|", "\\|")) for key, words in _BOUNDS if key in field]
    return f"{flat(said)} ({', '.join(bounds)})." if bounds else f"{flat(said)}."


def _name(field: Schema) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]


def _type(field: Schema) -> str:
    """Words, with a link where the type is a part of this page."""
    if name := _name(field):
        return f"[{name}](#{name.lower()})"
    if "const" in field or "enum" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", (field.get("const"),)))
    if arms := field.get("anyOf") or field.get("oneOf") or field.get("allOf"):
        return " or ".join(_type(arm) for arm in arms)
    inner = field.get("items") or field.get("additionalProperties")
    word = {"array": "list", "object": "map"}.get(str(field.get("type")), str(field.get("type", "any")))
    return f"{word} of {_type(inner)}" if isinstance(inner, Mapping) else word
