"""Text made safe for where it is shown: one line, visible characters, and nothing that Markdown or a forge would act on.

Names come from telemetry and labels, so they are hostile until they have been through here. `line` makes plain text,
`escape` makes it inert in Markdown, `code` puts it into a code span.
"""

from __future__ import annotations

import re
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # control, format (bidi, zero width), surrogate, private, separators
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~-])")
_BREAK = "<!-- -->"  # splits the text that forges scan for mentions, issue numbers and bare links
_TRIGGER = re.compile(r"(@|\\#|://|www(?=\.))")


def line(text: str, limit: int = 300) -> str:
    """One line of visible characters, at most `limit` long."""
    seen = "".join(" " if unicodedata.category(c) in HIDDEN else c for c in text[: limit * 4])
    flat = " ".join(seen.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def counted(number: int, noun: str) -> str:
    """`1 commit`, `2 commits`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def escape(text: str, limit: int = 300) -> str:
    """`line`, inert in Markdown: no markup, no HTML, no mention, no link."""
    plain = line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _TRIGGER.sub(rf"\1{_BREAK}", _SPECIAL.sub(r"\\\1", plain))


def code(text: str, limit: int = 300) -> str:
    """`line` in a code span that its own backticks cannot end, also inside a table; nothing for nothing."""
    plain = line(text, limit).replace("|", "\\|")
    if not plain:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    pad = " " if "`" in plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"
