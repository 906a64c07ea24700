"""The edit as a unified diff for people: capped, and with nothing invisible in it.

In: two commits. Out: text. What decides anything is the blobs; this is only their picture, so undecodable bytes and
control characters are shown as escapes and long files are named instead of shown.
"""

from __future__ import annotations

import difflib
import unicodedata

from reconciler.changes.wording import HIDDEN
from reconciler.ports.repo import Repo

MAX_FILES = 50
MAX_FILE_BYTES = 256 * 1024
MAX_LINES = 4_000  # of one file; the comparison is quadratic at worst
MAX_CHARS = 100_000


def unified_diff(repo: Repo, base: str, head: str) -> str:
    """What `head` does to `base`, file by file in the order of their paths."""
    changed = sorted(repo.changed(base, head).items())
    pieces: list[str] = []
    size = 0
    for path, (before, after) in changed[:MAX_FILES]:
        piece = _file(_shown(path), repo.blob(before) if before else None, repo.blob(after) if after else None)
        size += len(piece)
        if size > MAX_CHARS:
            pieces.append("(the rest is too long to show)\n")
            break
        pieces.append(piece)
    if len(changed) > MAX_FILES:
        pieces.append(f"(and {len(changed) - MAX_FILES} more files)\n")
    return "".join(pieces)


def _file(path: str, before: bytes | None, after: bytes | None) -> str:
    old, new = _lines(before), _lines(after)
    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    if old is None or new is None:
        return f"--- {names[0]}\n+++ {names[1]}\n(too long to show)\n"
    text = list(difflib.unified_diff(old, new, *names, lineterm=""))
    if not text:  # an empty file added or removed, or only the mode altered
        text = [f"--- {names[0]}", f"+++ {names[1]}"]
    return "\n".join(text) + "\n"


def _lines(content: bytes | None) -> list[str] | None:
    """Visible lines, None when there are too many."""
    if content is None:
        return []
    if len(content) > MAX_FILE_BYTES or content.count(b"\n") > MAX_LINES:
        return None
    text = content.decode("utf-8", "backslashreplace")
    lines = [_shown(line) for line in text.split("\n")]
    if lines[-1] == "":
        return lines[:-1]
    return [*lines[:-1], lines[-1] + "  (no line end)"]


def _shown(text: str) -> str:
    return "".join(c.encode("unicode_escape").decode() if c != "\t" and unicodedata.category(c) in HIDDEN else c for c in text)
