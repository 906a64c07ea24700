"""Which file names the infra repository may hold: one rule for the writer, the reader and the push hook.

A name is refused when two systems could read it differently: not UTF-8, not normalised (NFC), invisible or
direction-changing characters, `.git` in any spelling, or a sibling that differs only in case or composition.
Standard library only: the push hook imports this and must start fast.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 1_024  # bytes of a whole path; the smallest limit of the systems people clone on, with room for a prefix
MAX_DEPTH = 32  # folders; also bounds every recursion over a tree
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # control, format (bidi, zero width), surrogate, private


def fold(name: str) -> str:
    """What two names share when a file system or a reader may take one for the other."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def refuse_name(name: str) -> str:
    """Why one path component is refused, "" when it is fine."""
    if name in ("", ".", ".."):
        return "an empty or dotted component"
    if fold(name).rstrip(". ") in (".git", "git~1"):
        return "a .git component"
    if "\\" in name or "/" in name:
        return "a separator inside a name"
    if name.isascii() and name.isprintable():
        return ""
    if any(unicodedata.category(c) in _INVISIBLE for c in name):
        return "an invisible or undecodable character"
    return "" if unicodedata.is_normalized("NFC", name) else "a name that is not NFC-normalised"


def refuse_path(path: str) -> str:
    """Why a whole path is refused, "" when it is fine."""
    parts = path.split("/")
    if len(parts) > MAX_DEPTH or len(path.encode("utf-8", "surrogateescape")) > MAX_LENGTH:
        return f"a path deeper than {MAX_DEPTH} folders or longer than {MAX_LENGTH} bytes"
    return next((why for why in map(refuse_name, parts) if why), "")


def collision(names: Iterable[str]) -> tuple[str, str] | None:
    """The first two sibling names that fold to the same, or None."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(fold(name), name)) != name:
            return other, name
    return None


def path_collision(paths: Iterable[str]) -> tuple[str, str] | None:
    """Like `collision` for whole paths: folders collide too (`Apps/a`, `apps/b`)."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for path in paths:
        at = path
        while at and at not in folders:
            if (other := seen.setdefault(fold(at), at)) != at:
                return other, at
            folders.add(at)
            at = at.rpartition("/")[0]
    return None
