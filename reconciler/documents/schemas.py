"""The published JSON Schemas: generated from the models, written to `schemas/`, drift-checked by a test.

Editors complete and check documents with them (`# yaml-language-server: $schema=...`), and `violations` checks a parsed
document with the independent `jsonschema` package, so that what we publish and what we accept cannot drift apart.
A null never validates: the loader refuses blank fields, so the schemas do not offer them.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from reconciler.documents.loader import Loaded, Problem
from reconciler.documents.nearest import schema_of
from reconciler.documents.places import said_at
from reconciler.documents.registry import KINDS

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

    from reconciler.documents.base import Document

BASE: Final = "https://homeostat.invalid/schemas/v1"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def generate() -> dict[str, bytes]:
    """File name to content for every kind."""
    return {file_name(kind): _text(published(kind)) for kind in sorted(KINDS)}


def write(folder: Path) -> None:
    """`schemas/` as it is published; `make schemas`. Files of kinds that are gone go too."""
    folder.mkdir(exist_ok=True)
    wanted = generate()
    for old in folder.glob("*.schema.json"):
        if old.name not in wanted:
            old.unlink()
    for name, content in wanted.items():
        (folder / name).write_bytes(content)


def file_name(kind: str) -> str:
    """`MergePolicy` is published as `merge-policy.schema.json`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower() + ".schema.json"


def published(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind as it is published."""
    body = cast("dict[str, Any]", _without_null(schema_of(kind)))
    body["properties"]["kind"].setdefault("description", f"Always `{kind}`.")
    return {"$schema": _DIALECT, "$id": f"{BASE}/{file_name(kind)}", **body}


def violations(item: Loaded[Document]) -> tuple[Problem, ...]:
    """What the published schema says against a document, with places. () for every document that `load` accepts."""
    errors = _validator(item.kind).iter_errors(item.value)
    found = sorted((tuple(error.absolute_path), error.message) for error in errors)
    return tuple(Problem(item.locate(*place), f"{said_at(place)}: {message}") for place, message in found)


@functools.cache
def _validator(kind: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(published(kind))  # that these are schemas is a test's business, not a user's second


def _text(schema: Mapping[str, Any]) -> bytes:
    return (json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _without_null(node: object) -> object:
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)}
    arms = [arm for arm in kept.get("anyOf", ()) if arm != {"type": "null"}]
    if "anyOf" not in kept or len(arms) == len(kept["anyOf"]):
        return kept
    del kept["anyOf"]
    return {**kept, **arms[0]} if len(arms) == 1 else {**kept, "anyOf": arms}


if __name__ == "__main__":
    write(Path("schemas"))
