"""Text from data on its way to a terminal: control and format characters are shown, never obeyed."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def inert(text: str, *, keep: str = "\n\t") -> str:
    """The same text with everything that a terminal could obey written as its code point."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _HIDDEN else f"\\u{ord(c):04x}" for c in text)
