"""What a plain scalar means, and when text may be written without quotes.

The rule of both: readers of YAML 1.1 and 1.2 must agree. Where they do not (`no`, `010`, `0x1f`, `12:30:45`, dates,
`1_000`, `1e3`, `.5`), the scalar is text here, and text that looks like this is never written without quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import yaml
from yaml.resolver import Resolver

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z", re.ASCII)
FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+\Z", re.ASCII)
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_CORE_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")  # YAML 1.2
_YAML_1_1_BOOLS = {
    word: value
    for value, words in ((True, ("y", "yes", "on")), (False, ("n", "no", "off")))
    for base in words
    for word in (base, base.capitalize(), base.upper())
}
_BASES = (
    (2, re.compile(r"[-+]?0b[01]+\Z", re.ASCII)),
    (16, re.compile(r"[-+]?0x[0-9a-fA-F]+\Z", re.ASCII)),
    (8, re.compile(r"[-+]?0o?[0-7]+\Z", re.ASCII)),
)
_EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.?[0-9]*)(?:[eE][-+]?[0-9]+)?\Z", re.ASCII)
_EXACT = 2**53
_NUMERIC = frozenset("+-.0123456789")  # no number begins otherwise, and no word like these
_WORDS: Mapping[str, bool | None] = {**dict.fromkeys(NULLS), **BOOLS}
_KUBERNETES_WORDS: Mapping[str, bool | None] = {**_WORDS, **_YAML_1_1_BOOLS}
MAX_DIGITS = 30  # of a number as written; larger ones overflow some reader
INT64 = range(-(2**63), 2**63)

# Words that begin and end inside these cannot be taken for an indicator or a comment, in block or flow context.
_PLAIN = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_./@:+=-]*[A-Za-z0-9_./@+=-])?\Z", re.ASCII)
_TEXT = "tag:yaml.org,2002:str"


def plain(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar. Raises ValueError for a number that has no safe form."""
    if text[:1] not in _NUMERIC:
        return _WORDS.get(text, text)
    if INTEGER.match(text):
        return _integer(text)
    if FRACTION.match(text):
        return _fraction(text)
    if NOT_FINITE.match(text):
        raise ValueError("a number must be finite")
    return text


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS or int(text) not in INT64:
        raise ValueError("an integer must fit 64 bits")
    return int(text)


def _fraction(text: str) -> float:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number may have at most {MAX_DIGITS} digits")
    return float(text)


def kubernetes(text: str) -> bool | int | float | str | None:
    """The value that kubectl, Helm and Flux give a plain scalar: `0644` is octal, `yes` is true, `1e3` is a number.

    Dates and `12:30:45` are text to them as well.
    """
    if text[:1] not in _NUMERIC:
        return _KUBERNETES_WORDS.get(text, text)
    digits = text.replace("_", "")
    if len(digits) > MAX_DIGITS:
        return plain(text)
    for base, pattern in _BASES:
        if pattern.match(digits) and int(digits, base) in INT64:
            return int(digits, base)
    if INTEGER.match(digits) and int(digits) in INT64:
        return int(digits)  # exactly: a float holds no more than 53 bits
    return _number(digits, text) if _EXPONENT.match(digits) else plain(text)


def _number(digits: str, text: str) -> int | float | str:
    value = float(digits)
    if not math.isfinite(value):
        return text
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def is_plain_safe(text: str) -> bool:
    """Whether every reader takes this text, written without quotes, for exactly this text."""
    if not _PLAIN.match(text) or _CORE_NUMBER.match(text):
        return False
    theirs = Resolver().resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # the stubs leave it out
    return text not in NULLS and theirs == _TEXT and text.lower() not in {"y", "n"}
