"""The last look at every edit: the file is read again, and exactly one pointer has another value.

However an edit was made, nothing leaves this package without having passed here.
"""

from __future__ import annotations

import copy
import json

from reconciler.errors import Misconfigured
from reconciler.model.proposals import Pointer
from reconciler.yamltext import ParsedDocument, Value, parse


def only_this_changed(before: tuple[ParsedDocument, ...], data: bytes, document: int, pointer: Pointer, value: Value) -> bool:
    """Whether `data` reads like `before` with `value` at `pointer` and nothing else different, types included."""
    try:
        after = parse(data, "edited")
    except Misconfigured:
        return False
    expected = [copy.deepcopy(d.value) for d in before]
    if not _put(expected[document], pointer, value):
        return False
    return _exact(expected) == _exact([d.value for d in after])


def _put(root: Value, pointer: Pointer, value: Value) -> bool:
    holder = root
    for step in pointer[:-1]:
        holder = _child(holder, step)
    last = pointer[-1]
    if isinstance(holder, list) and isinstance(last, int) and 0 <= last < len(holder):
        holder[last] = value
        return True
    if isinstance(holder, dict) and isinstance(last, str):
        holder[last] = value
        return True
    return False


def _child(holder: Value, step: str | int) -> Value:
    if isinstance(holder, dict) and isinstance(step, str):
        return holder.get(step)
    if isinstance(holder, list) and isinstance(step, int) and 0 <= step < len(holder):
        return holder[step]
    return None


def _exact(value: list[Value]) -> str:
    """Text that differs when a value or its type does (true, 1 and 1.0 are three), whatever the order of keys."""
    return json.dumps(value, sort_keys=True)
