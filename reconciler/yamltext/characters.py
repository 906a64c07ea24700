"""Bytes to text: UTF-8 only, and nothing in it that a reviewer cannot see.

A pull request is only as good as what its reader sees: characters that reorder (bidi), hide (zero-width) or steer a
terminal (control) are refused in documents, comments included (CVE-2021-42574). Line breaks are LF or CRLF.
"""

from __future__ import annotations

import re

from reconciler.errors import Misconfigured

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
_BREAKS = "\u0085\u2028\u2029"  # line breaks to some readers only
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"

HIDDEN = re.compile(f"[{_BIDI}{_INVISIBLE}{_BREAKS}{_CONTROL}]")
_HIDDEN_OR_BARE_CR = re.compile(f"[{_BIDI}{_INVISIBLE}{_BREAKS}{_CONTROL}]|\r(?!\n)")


def readable(data: bytes, where: str, max_bytes: int) -> str:
    """The text of a file, or Misconfigured at the first byte that makes it unfit."""
    if len(data) > max_bytes:
        raise Misconfigured(f"{len(data)} bytes, at most {max_bytes} are read", where=f"{where}:1:1", next_step="split the file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place(data[: error.start].decode("utf-8", "replace"), where)
        raise Misconfigured("this byte is not UTF-8", where=place, next_step="save the file as UTF-8 without a mark") from error
    found = _HIDDEN_OR_BARE_CR.search(text)
    if found is None:
        return text
    name = f"U+{ord(found.group()):04X}"
    raise Misconfigured(
        f"{name} is a character that readers cannot see", where=_place(text[: found.start()], where), next_step="remove it"
    )


def _place(before: str, where: str) -> str:
    return f"{where}:{before.count(chr(10)) + 1}:{len(before) - (before.rfind(chr(10)) + 1) + 1}"
