"""Writing: plain values as YAML that every reader reads back as the same values, ours and kubectl's.

No anchors, no tags; keys in the order of the value; text that some reader could take for something else is quoted, text of
several lines is written as lines. The same value is always the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from reconciler.yamltext.scalars import is_plain_safe, kubernetes

WIDTH = 120


class _Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # strict readers refuse them
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  # PyYAML's
        """Lists are indented below their key, as the files that people write."""
        super().increase_indent(flow, indentless=False)


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = is_plain_safe(text) and kubernetes(text) == text
    style = "|" if "\n" in text.rstrip("\n") else None if plain else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)


def write(values: Iterable[Any]) -> str:
    """One document for each value, with `---` between them."""
    return yaml.dump_all(
        list(values),
        Dumper=_Writer,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=WIDTH,
        explicit_start=None,
    )
