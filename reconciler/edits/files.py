"""Whole files: adding one (an Operation), or giving one back its earlier bytes (the revert of a commit)."""

from __future__ import annotations

import re

from reconciler.edits.splice import Edited, Unsafe, Whole
from reconciler.errors import Misconfigured
from reconciler.model.proposals import Edit, EditKind
from reconciler.model.reasons import Reason
from reconciler.yamltext import parse

# One plain spelling of a path: no hidden, absolute, parent or exotic names, so no rule about paths can be evaded.
_PATH = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}/){0,10}[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z", re.ASCII)


def add_file(path: str, existing: bytes | None, data: bytes) -> Edited | Unsafe:
    """A new file; refused when one is there, when the path is not plain or the bytes do not read."""
    if not _PATH.match(path):
        return Unsafe(Reason.UNSAFE_EDIT, "a new file needs a plain path", "operations:1:1")
    if existing is not None:
        return Unsafe(Reason.UNSAFE_EDIT, "a file is there already", f"{path}:1:1")
    try:
        parse(data, path)
    except Misconfigured as error:
        return Unsafe(Reason.UNSAFE_EDIT, error.message, error.where)
    return _whole(Edit(EditKind.OPERATION, path, 0, (), None, None), None, data)


def replace_file(path: str, before: bytes | None, after: bytes | None, commit: str) -> Edited | Unsafe:
    """Gives a file its bytes from history (None: the file did not exist), as the revert of `commit`."""
    if before == after:
        return Unsafe(Reason.NO_CHANGE, "the file has these bytes already", f"{path}:1:1")
    return _whole(Edit(EditKind.REVERT, path, 0, (), None, None, commit), before, after)


def _whole(edit: Edit, before: bytes | None, after: bytes | None) -> Edited:
    return Edited(edit, before, after, Whole(edit.path, after, before))
