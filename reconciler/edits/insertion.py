"""Where one missing key of a block mapping can be added on lines of its own.

Directly below the last entry that is a scalar on the line of its key: whatever follows (comments of the next entry,
blank lines) keeps its neighbour. Flow mappings, empty mappings and mappings without such an entry have no such place.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.yamltext import Node, ParsedDocument


@dataclass(frozen=True, slots=True)
class Gap:
    """A line break at byte `start` after which lines may be added with this indentation and ending."""

    start: int
    indent: int
    ending: str
    at_end: bool  # of a file whose last line has no line break

    def lines(self, *texts: str) -> bytes:
        """Each text a line, two spaces deeper than the one before."""
        line = self.ending.join(" " * (self.indent + 2 * depth) + text for depth, text in enumerate(texts))
        return (self.ending + line if self.at_end else line + self.ending).encode()


def gap(document: ParsedDocument, data: bytes, parent: Node) -> Gap | None:
    """The place for one more key in `parent`, None when there is none."""
    if not isinstance(parent.value, dict) or parent.style != "block":
        return None
    entry = next((node for node in reversed(tuple(parent.children.values())) if _on_one_line(node)), None)
    if entry is None or entry.key is None:
        return None
    line_break = data.find(b"\n", document.byte(entry.end.offset))
    indent = entry.key.column - 1
    if line_break < 0:
        return Gap(len(data), indent, "\r\n" if b"\r\n" in data else "\n", at_end=True)
    crlf = data[line_break - 1 : line_break] == b"\r"
    return Gap(line_break + 1, indent, "\r\n" if crlf else "\n", at_end=False)


def _on_one_line(node: Node) -> bool:
    written = node.is_scalar and node.style not in "|>" and node.start.offset < node.end.offset
    return written and node.key is not None and node.key.line == node.start.line == node.end.line
