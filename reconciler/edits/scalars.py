"""Set and scale: one scalar, in its place, in its style; or one new line where the key is missing.

Steps
1. the file is read strictly; what does not read is not edited;
2. the place is found: a scalar on one line, or (only when asked) a block mapping that lacks this one key;
3. the type must stay; a null may become anything;
4. the first spelling that passes the guard is the edit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from reconciler.edits.guard import only_this_changed
from reconciler.edits.insertion import gap
from reconciler.edits.quantities import quantity
from reconciler.edits.spelling import spellings
from reconciler.edits.splice import Edited, Splice, Unsafe
from reconciler.errors import Misconfigured
from reconciler.model.canonical import digest
from reconciler.model.proposals import Edit, EditKind, Pointer, Scalar
from reconciler.model.reasons import Reason
from reconciler.yamltext import Node, ParsedDocument, parse

Place = tuple[int, bytes, tuple[bytes, ...]]  # start, the bytes there, what may stand there instead


def set_scalar(data: bytes, edit: Edit, *, insert: bool = False) -> Edited | Unsafe:
    """Writes `edit.after` at `edit.pointer`; `edit.before` is filled in as found. `insert` allows a missing last key."""
    found = opened(data, edit)
    if isinstance(found, Unsafe):
        return found
    documents, node = found
    document = documents[edit.document]
    place = _replacement(document, node, edit) if node else _insertion(document, data, edit, insert)
    if isinstance(place, Unsafe):
        return place
    before = node.value if node else None
    made = Edit(edit.kind, edit.path, edit.document, edit.pointer, _scalar(before), edit.after, edit.commit)
    for candidate in _spliced(data, place):
        if only_this_changed(documents, candidate[0], edit.document, edit.pointer, edit.after):
            return finished(made, data, *candidate)
    return unsafe(document, edit.pointer, "the file would not read the same afterwards")


def scale(data: bytes, edit: Edit, ratio: Fraction, low: int | str, high: int | str) -> Edited | Unsafe:
    """Multiplies the number at `edit.pointer`, rounded away from where it was, within [low, high].

    Bounds that are integers are for integers; bounds that are quantities ("64Mi") are for quantities, which keep their unit.
    """
    found = opened(data, edit)
    if isinstance(found, Unsafe):
        return found
    documents, node = found
    document = documents[edit.document]
    if isinstance(low, int) and isinstance(high, int):
        scaled = _scaled_integer(node, ratio, low, high)
    else:
        scaled = _scaled_quantity(node, ratio, str(low), str(high))
    if scaled is None:
        kind = "an integer" if isinstance(low, int) else "a quantity in a known unit"
        return unsafe(document, edit.pointer, f"only {kind} that is there can be scaled")
    now, after, moved = scaled
    if moved * (ratio - 1) <= 0:
        return Unsafe(Reason.LIMIT, f"{now} cannot go further within {low} to {high}", document.locate(edit.pointer))
    return set_scalar(data, Edit(EditKind.SCALE, edit.path, edit.document, edit.pointer, now, after, edit.commit))


Scaled = tuple[int | str, int | str, Fraction]  # now, then, and how far that is


def _scaled_integer(node: Node | None, ratio: Fraction, low: int, high: int) -> Scaled | None:
    if node is None or not isinstance(node.value, int) or isinstance(node.value, bool):
        return None
    now = node.value
    wanted = math.ceil(now * ratio) if ratio > 1 else math.floor(now * ratio)
    after = max(low, min(high, wanted))
    return now, after, Fraction(after - now)


def _scaled_quantity(node: Node | None, ratio: Fraction, low: str, high: str) -> Scaled | None:
    there = node.value if node else None
    if not isinstance(there, int | str) or isinstance(there, bool):
        return None
    now, least, most = quantity(there), quantity(low), quantity(high)
    if now is None or least is None or most is None:
        return None
    after = now.scaled(ratio, least.amount, most.amount)
    return there, int(after.count) if isinstance(there, int) else after.text, after.amount - now.amount


def opened(data: bytes, edit: Edit) -> tuple[tuple[ParsedDocument, ...], Node | None] | Unsafe:
    try:
        documents = parse(data, edit.path)
    except Misconfigured as error:
        return Unsafe(Reason.UNSAFE_EDIT, error.message, error.where)
    if not 0 <= edit.document < len(documents):
        return Unsafe(Reason.UNSAFE_EDIT, f"there is no document {edit.document}", f"{edit.path}:1:1")
    if not edit.pointer:
        return unsafe(documents[edit.document], (), "a whole document is no scalar")
    return documents, documents[edit.document].node(edit.pointer)


def _replacement(document: ParsedDocument, node: Node, edit: Edit) -> Place | Unsafe:
    span = document.span(edit.pointer)
    problem = _problem(node, edit.after)
    if problem or span is None:
        return unsafe(document, edit.pointer, problem or "this is no scalar")
    if type(node.value) is type(edit.after) and node.value == edit.after:
        return Unsafe(Reason.NO_CHANGE, "this value is already there", document.locate(edit.pointer))
    written = tuple(text.encode() for text in spellings(edit.after, node.style))
    return span.start, span.raw.encode(), written


def _problem(node: Node, value: Scalar) -> str:
    problems = (
        (not node.is_scalar, "a list or mapping stands here"),
        (node.style in ("|", ">"), "a block scalar stands here"),
        (node.start.line != node.end.line, "a scalar over several lines stands here"),
        (node.start.offset == node.end.offset, "nothing is written here; write null or a value first"),
        (isinstance(node.value, float), "a fraction stands here, which has no exact form; quote it to make it text"),
        (
            node.value is not None and type(node.value) is not type(value),
            f"{type(value).__name__} cannot stand in the place of {type(node.value).__name__}",
        ),
    )
    return next((text for found, text in problems if found), "")


def _insertion(document: ParsedDocument, data: bytes, edit: Edit, insert: bool) -> Place | Unsafe:
    key = edit.pointer[-1]
    parent = document.node(edit.pointer[:-1])
    if not insert or parent is None or not isinstance(key, str):
        return unsafe(document, edit.pointer, "there is no such place")
    if edit.after is None or not spellings(key, "plain"):
        return unsafe(document, edit.pointer, "this key cannot be added")
    place = gap(document, data, parent)
    if place is None:
        return unsafe(document, edit.pointer, "no line beside which this key can be added safely")
    name = spellings(key, "plain")[0]
    return place.start, b"", tuple(place.lines(f"{name}: {text}") for text in spellings(edit.after, "plain"))


def _spliced(data: bytes, place: Place) -> Iterator[tuple[bytes, int, bytes, bytes]]:
    start, old, spelled = place
    for new in spelled:
        yield data[:start] + new + data[start + len(old) :], start, old, new


def finished(edit: Edit, before: bytes, after: bytes, start: int, old: bytes, new: bytes) -> Edited:
    forward = Splice(edit.path, start, old, new, digest(before), digest(after))
    return Edited(edit, before, after, forward.inverse)


def _scalar(value: object) -> Scalar:
    return value if isinstance(value, bool | int | str) else None


def unsafe(document: ParsedDocument, pointer: Pointer, detail: str) -> Unsafe:
    return Unsafe(Reason.UNSAFE_EDIT, detail, document.locate(pointer))
