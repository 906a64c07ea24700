"""Runbooks cut into passages that can be cited by path and line, and found by words.

In: files as people wrote them: Markdown, HTML, plain text. Out: passages of bounded number and length. What is written there is
text and nothing else: markup is dropped, invisible characters are dropped, nothing is run, followed or believed. The scanner
of HTML reads each character once, whatever it is given.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from reconciler.analysis.words import Bm25, words
from reconciler.model.canonical import number
from reconciler.model.memory import Passage

MAX_FILES, MAX_FILE_BYTES, MAX_BYTES, MAX_PASSAGES = 300, 128 << 10, 2 << 20, 4_000
FULL, LONGEST, LONGEST_HEADING = 400, 700, 120  # characters: where a passage ends with its paragraph, where it is cut
MARKDOWN, HTML, PLAIN = (".md", ".markdown"), (".html", ".htm"), (".txt", ".rst", ".adoc", ".text")

_HEADING = re.compile(r"#{1,6}\s+(.*)")
_RULED = re.compile(r"(=+|-{2,}|~+)\s*")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,15})[^<>]*>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNSEEN = re.compile(r"<(script|style|template|noscript)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TITLES = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_INLINE = frozenset(
    {"a", "b", "i", "u", "em", "strong", "code", "span", "kbd", "tt", "sub", "sup", "small", "mark", "abbr", "var"}
)
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,500}\)")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

Line = tuple[int, str, bool]  # its number, its text, whether it is a heading


@dataclass(frozen=True, slots=True)
class Library:
    """All passages of one revision. `left_out` says which files were not read, and why."""

    passages: tuple[Passage, ...]
    left_out: tuple[tuple[str, str], ...]
    _index: Bm25

    def best(self, query: Sequence[str], most: int, least: int = 1) -> tuple[Passage, ...]:
        """The passages that fit best, one a heading. At least `least` different words of the query must be in each."""
        asked = frozenset(query)
        found: dict[tuple[str, str], Passage] = {}
        for place, score in self._index.best(query, len(self.passages)):
            passage = self.passages[place]
            if len(found) == most:
                break
            if len(asked & set(_indexed(passage))) >= least:
                found.setdefault((passage.path, passage.heading), replace(passage, score=number(score)))
        return tuple(found.values())


def library(files: Mapping[str, bytes | int]) -> Library:
    """From path to content; an int is the size of a file that is too large to be handed over."""
    passages: list[Passage] = []
    left: list[tuple[str, str]] = []
    read = 0
    for count, (path, content) in enumerate(sorted(files.items())):
        size = content if isinstance(content, int) else len(content)
        if why := _refused(path, content, count, read + size, len(passages)):
            left.append((path, why))
        elif isinstance(content, bytes):
            read += size
            passages += islice(cut(path, content.decode(errors="replace")), MAX_PASSAGES - len(passages))
    return Library(tuple(passages), tuple(left), Bm25([_indexed(p) for p in passages]))


def readable(path: str) -> bool:
    return path.lower().endswith((*MARKDOWN, *HTML, *PLAIN))


def _refused(path: str, content: bytes | int, count: int, size: int, passages: int) -> str:
    if not readable(path):
        return "it is no Markdown, HTML or plain text"
    if isinstance(content, int) or len(content) > MAX_FILE_BYTES:
        return f"it is larger than {MAX_FILE_BYTES} bytes"
    if count >= MAX_FILES or size > MAX_BYTES or passages >= MAX_PASSAGES:
        return f"there are more than {MAX_FILES} files, {MAX_BYTES} bytes or {MAX_PASSAGES} passages"
    return "it is no text" if b"\0" in content else ""


def _indexed(passage: Passage) -> list[str]:
    """Heading and file name say what it is about, so they count twice."""
    return [*words(passage.text), *2 * words(f"{passage.heading} {passage.path.rpartition('/')[2].partition('.')[0]}")]


def cut(path: str, text: str) -> Iterator[Passage]:
    """Paragraphs under one heading, joined until they are worth citing."""
    lines = _html(text) if path.lower().endswith(HTML) else _marked(text) if path.lower().endswith(MARKDOWN) else _plain(text)
    heading, start, kept, size = "", 0, list[str](), 0
    for at, line, titled in lines:
        said = visible(line)
        ends = titled or size >= LONGEST or (not said and size >= FULL)
        if ends and kept:
            yield Passage(path, start, heading, " ".join(kept)[:LONGEST])
            kept, size = [], 0
        if titled:
            heading = said[:LONGEST_HEADING]
        elif said:
            start = start if kept else at
            kept.append(said)
            size += len(said) + 1
    if kept:
        yield Passage(path, start, heading, " ".join(kept)[:LONGEST])


def visible(text: str) -> str:
    """One line of visible characters."""
    seen = text if text.isprintable() else "".join(" " if unicodedata.category(c) in _HIDDEN else c for c in text)
    return " ".join(seen.split())


def _plain(text: str) -> Iterator[Line]:
    """A line that is underlined is a heading."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if _RULED.fullmatch(line):
            continue
        below = lines[at + 1] if at + 1 < len(lines) else ""
        yield at + 1, line, bool(line.strip() and _RULED.fullmatch(below) and len(line) <= LONGEST_HEADING)


def _marked(text: str) -> Iterator[Line]:
    """Markdown; in a fence nothing is a heading."""
    fence = ""
    for at, line, ruled in _plain(text):
        bare = line.strip()
        if bare.startswith(("```", "~~~")) and (not fence or bare.startswith(fence)):
            fence = "" if fence else bare[:3]
            continue
        found = _HEADING.fullmatch(bare) if not fence else None
        yield at, _LINK.sub(r"\1", found[1].rstrip("#").rstrip() if found else bare), bool(found or (ruled and not fence))


def _html(text: str) -> Iterator[Line]:
    """What a reader would see, block by block."""
    seen = _UNSEEN.sub(_only_line_ends, _COMMENT.sub(_only_line_ends, text))
    kept, start, line, titled, end = list[str](), 1, 1, False, 0
    for tag in _TAG.finditer(seen):
        piece = seen[end : tag.start()]
        start = start if kept else line + _blank_lines(piece)
        kept += [piece] if kept or piece.strip() else []
        line, end = line + seen.count("\n", end, tag.end()), tag.end()
        name, closing = tag[2].lower(), bool(tag[1])
        if name not in _INLINE:
            yield start, html.unescape("".join(kept)), titled and closing
            kept, titled = [], name in _TITLES and not closing
    yield start if kept else line + _blank_lines(seen[end:]), html.unescape("".join([*kept, seen[end:]])), False


def _only_line_ends(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _blank_lines(text: str) -> int:
    """How many lines pass before the text begins."""
    return text.count("\n", 0, len(text) - len(text.lstrip()))
