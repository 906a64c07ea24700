"""The strict YAML parser: every document and manifest enters the loop through here, from hostile bytes.

In: the bytes of one file and its name. Out: plain Python values, each with its place in the file, so that every
later error can say file:line:column and `edits` can change single scalars without touching any other byte.

Invariants
* Nothing ambiguous is accepted: duplicate keys, anchors, aliases, tags, directives, merge keys and keys that are no
  text are refused, and so are invisible characters (control, bidi, zero-width), whether written or escaped.
* Nothing unbounded is accepted: size, documents and nesting are capped before anything is composed. The builder is
  a loop over parser events, so depth cannot overflow a stack (libyaml's own composer crashes the process).
* Readers agree: a plain scalar is null, a bool, an integer or a fraction only where YAML 1.1 and 1.2 say the same.
  `no`, `0644`, `12:30:45`, `2026-11-21`, `1e3` and `1_000` stay text; a schema that wants a number then says so.
  Manifests for Kubernetes are read as kubectl reads them instead (`scalars.kubernetes`), so that nothing changes its meaning.

What a document means is left to `documents`; what a manifest means is left to the targets.
"""

from reconciler.yamltext.nodes import Node, ParsedDocument, Pointer, Span, Value
from reconciler.yamltext.parser import DOCUMENT, MAX_BYTES, MAX_DEPTH, MAX_DOCUMENTS, Reading, parse, parse_one
from reconciler.yamltext.quick import parse_values
from reconciler.yamltext.scalars import is_plain_safe, kubernetes

__all__ = [
    "DOCUMENT",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DOCUMENTS",
    "Node",
    "ParsedDocument",
    "Pointer",
    "Reading",
    "Span",
    "Value",
    "is_plain_safe",
    "kubernetes",
    "parse",
    "parse_one",
    "parse_values",
]
