"""One more item at the end of a list: a line of its own in a block list, a few bytes in a flow list.

Where the list is missing, it and the mappings that lead to it are written beside what is there, in the style of the mapping
that holds them. A list that is null, that ends in a block scalar, or beside which nothing can be added safely is refused with
its line: an edit that would have to touch what people wrote is none of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from reconciler.edits.guard import only_this_changed
from reconciler.edits.insertion import gap
from reconciler.edits.scalars import finished, opened, unsafe
from reconciler.edits.spelling import spellings
from reconciler.edits.splice import Edited, Unsafe
from reconciler.model.proposals import Edit, Pointer, Scalar
from reconciler.yamltext import Node, ParsedDocument, Value

Place = tuple[int, bytes]  # where, and what is written there
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")  # in a flow mapping everything else is quoted


def append_item(data: bytes, edit: Edit, item: Mapping[str, Scalar]) -> Edited | Unsafe:
    """Adds `item` to the list at `edit.pointer`, whose last keys may be missing. The edit that was made points at the item."""
    found = opened(data, edit)
    if isinstance(found, Unsafe):
        return found
    documents, _ = found
    document = documents[edit.document]
    text = _flow(item)
    known = next(n for n in range(len(edit.pointer), -1, -1) if document.node(edit.pointer[:n]) is not None)
    there, missing = document.root if known == 0 else document.node(edit.pointer[:known]), edit.pointer[known:]
    if not text or there is None or not all(isinstance(key, str) and _plain(key) for key in missing):
        return unsafe(document, edit.pointer, "this item cannot be written here")
    place = _key(document, data, there, [str(key) for key in missing], text) if missing else _last(document, data, there, text)
    if isinstance(place, str):
        return unsafe(document, edit.pointer, place)
    start, new = place
    after = data[:start] + new + data[start:]
    pointer, value = _wanted(there, edit.pointer, known, dict(item))
    if not only_this_changed(documents, after, edit.document, pointer, value):
        return unsafe(document, edit.pointer, "the file would not read the same afterwards")
    index = 0 if missing or not isinstance(there.value, list) else len(there.value)
    return finished(replace(edit, pointer=(*edit.pointer, index), before=None, after=text), data, after, start, b"", new)


def _wanted(there: Node, pointer: Pointer, known: int, item: Value) -> tuple[Pointer, Value]:
    """The one place that has another value afterwards, and that value."""
    value: Value = [*there.value, item] if isinstance(there.value, list) else [item]
    for key in reversed(pointer[known + 1 :]):
        value = {str(key): value}
    return pointer[: known + 1], value


def _last(document: ParsedDocument, data: bytes, there: Node, text: str) -> Place | str:
    """Behind the last item of a list that is there."""
    if not isinstance(there.value, list):
        return "no list stands here; write [] first" if there.value is None else "this is no list"
    if there.style != "block":
        return _inside(document, there, text)
    leaf = there
    while leaf.children and leaf.style == "block":
        leaf = max(leaf.children.values(), key=lambda child: child.start.offset)
    if leaf.style in ("|", ">", "block") or leaf.start.offset == leaf.end.offset:
        return "the last item does not end where it can be seen; write it on one line"
    line_break = data.find(b"\n", document.byte(leaf.end.offset))
    line = " " * (there.start.column - 1) + f"- {text}"
    ending = "\r\n" if b"\r\n" in data else "\n"
    return (len(data), (ending + line).encode()) if line_break < 0 else (line_break + 1, (line + ending).encode())


def _key(document: ParsedDocument, data: bytes, there: Node, missing: list[str], text: str) -> Place | str:
    """A list that is not there yet, with the keys that lead to it."""
    if not isinstance(there.value, dict):
        return "nothing can be added below this value; write {} or the list first"
    if there.style != "block":
        inner = f"[{text}]"
        for key in reversed(missing[1:]):
            inner = f"{{{key}: {inner}}}"
        return _inside(document, there, f"{missing[0]}: {inner}")
    place = gap(document, data, there)
    if place is None:
        return "no line beside which this key can be added safely"
    return place.start, place.lines(*(f"{key}:" for key in missing), f"- {text}")


def _inside(document: ParsedDocument, there: Node, text: str) -> Place:
    """Behind the last entry of a flow list or mapping, whose end is exact."""
    last = max(there.children.values(), key=lambda child: child.start.offset, default=None)
    at = there.start.offset + 1 if last is None else last.end.offset
    return document.byte(at), (text if last is None else f", {text}").encode()


def _flow(item: Mapping[str, Scalar]) -> str:
    """The item on one line; "" when it cannot be written."""
    written = []
    for key, value in item.items():
        spelled = spellings(value, "plain" if not isinstance(value, str) or _plain(value) else '"')
        if not spelled or not _plain(key):
            return ""
        written.append(f"{key}: {spelled[0]}")
    return "{" + ", ".join(written) + "}" if written else ""


def _plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text in spellings(text, "plain")
