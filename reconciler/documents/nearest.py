"""The nearest valid key: what somebody probably meant, found in the kind's own JSON Schema."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.documents.registry import model


def nearest(name: str, valid: Iterable[str]) -> str:
    """A next step: the closest valid word, or all of them when nothing is close."""
    words = sorted(valid)
    lowered = {word.lower(): word for word in words}
    if close := difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6):
        return f"did you mean {lowered[close[0]]!r}?"
    return f"valid here: {', '.join(words)}" if words else ""


def valid_keys(kind: str, pointer: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that the schema of a kind knows at a place."""
    schema = schema_of(kind)
    nodes = _resolved(schema, schema)
    for step in pointer:
        nodes = [deeper for node in nodes for deeper in _step(schema, node, step)]
    return tuple(sorted({key for node in nodes for key in node.get("properties", {})}))


@functools.cache
def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind as pydantic generates it."""
    return model(kind).model_json_schema(by_alias=True)


def _step(schema: Mapping[str, Any], node: Mapping[str, Any], step: str | int) -> list[Mapping[str, Any]]:
    below = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step, node.get("additionalProperties"))
    return _resolved(schema, below) if isinstance(below, dict) else []


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A node without references, one for each arm of a union."""
    if "$ref" in node:
        return _resolved(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[1]])
    arms = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    return [node, *(deeper for arm in arms for deeper in _resolved(schema, arm))]
