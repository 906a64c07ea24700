"""Prometheus text format 0.0.4 as samples: small, strict, bounded. Pure.

The page of a scraped process is foreign text. One malformed line refuses the page, naming the line: half a page looks
like a quiet system. Comments are skipped. A series that is written twice counts once, as first written. NaN and
infinities are kept here as floats; the sample store drops them, because a gap is a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from reconciler.errors import Permanent

MAX_BYTES = 4 << 20
MAX_LINE = 4_096
MAX_SAMPLES = 20_000
MAX_LABELS = 16
MAX_VALUE = 256

_LINE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]{0,199})(?:[ \t]*\{(.*)\})?[ \t]+([^ \t]+)(?:[ \t]+(-?[0-9]{1,15}))?[ \t]*")
_LABEL = re.compile(r'[ \t]*([A-Za-z_][A-Za-z0-9_]{0,63})[ \t]*=[ \t]*"((?:[^"\\]|\\[\\"n])*)"[ \t]*(,|$)')
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?|NaN|[+-]?Inf")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: `time_ms` is None when the page leaves the time to the reader."""

    name: str
    labels: tuple[tuple[str, str], ...]  # sorted by name
    value: float
    time_ms: int | None = None


def parse_exposition(page: bytes) -> tuple[Sample, ...]:
    """Every sample of a page; Permanent names the first line that is none."""
    if len(page) > MAX_BYTES:
        raise Permanent(f"the metrics page is larger than {MAX_BYTES} bytes", next_step="scrape fewer series")
    try:
        text = page.decode()
    except UnicodeDecodeError as error:
        raise Permanent(f"the metrics page is not UTF-8 at byte {error.start}", next_step="check the address") from error
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Sample] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        sample = _sample(line.removesuffix("\r"), number)
        if sample is not None:
            found.setdefault((sample.name, sample.labels), sample)
        if len(found) > MAX_SAMPLES:
            raise _refused(number, f"more than {MAX_SAMPLES} series")
    return tuple(found.values())


def _sample(line: str, number: int) -> Sample | None:
    if not line or line.isspace() or line.startswith("#"):
        return None
    if len(line) > MAX_LINE:
        raise _refused(number, f"longer than {MAX_LINE} characters")
    parts = _LINE.fullmatch(line)
    if parts is None or not _NUMBER.fullmatch(parts[3]):
        raise _refused(number, 'not `name{label="value"} number`')
    return Sample(parts[1], _labels(parts[2] or "", number), float(parts[3]), int(parts[4]) if parts[4] else None)


def _labels(text: str, number: int) -> tuple[tuple[str, str], ...]:
    try:
        return _read_labels(text)
    except ValueError as error:
        raise _refused(number, str(error)) from error


@lru_cache(maxsize=8_192)  # every scrape of a process writes the same labels again
def _read_labels(text: str) -> tuple[tuple[str, str], ...]:
    pairs = tuple(sorted(_pairs(text)))
    if len(pairs) > MAX_LABELS or any(len(value) > MAX_VALUE for _, value in pairs):
        raise ValueError(f"more than {MAX_LABELS} labels or a value above {MAX_VALUE} characters")
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a label is written twice")
    return pairs


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _LABEL.match(text, at)
        if found is None:
            raise ValueError("malformed labels")
        yield found[1], _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], found[2])
        at = found.end()


def _refused(number: int, what: str) -> Permanent:
    return Permanent(f"the metrics page is malformed at line {number}: {what}", next_step="check what serves the address")
