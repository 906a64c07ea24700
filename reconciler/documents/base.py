"""The shape that every Homeostat document shares: apiVersion, kind, metadata, spec; frozen, strict, unknown keys refused.

Each kind lives in its own module here as one `Document` subclass; `registry.py` lists them all. Field names are
camelCase in YAML and snake_case in Python; every field has a description that says unit, default and reason,
because the JSON Schemas in `schemas/` and the reference pages are generated from them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


class Spec(BaseModel):
    """Base of all parts: no unknown keys, no coercion, no mutation."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


class Metadata(Spec):
    """Who this document is."""

    name: str = Field(pattern=NAME, description="Unique within its kind: lower-case letters, digits and dashes, at most 63.")
    description: str = Field(default="", max_length=500, description="For people: why this document exists.")


class Document(Spec):
    """One YAML document. Subclasses fix `kind` and `spec`."""

    api_version: Literal["homeostat/v1"] = Field(description="The version of the document format.")
    metadata: Metadata
