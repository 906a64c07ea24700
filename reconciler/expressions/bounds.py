"""What a condition's text may contain, so that its cost is bounded before it runs. The engine has an iteration budget,
but none for memory or for regular expressions: chained `map` grew a string to 190 MB, and a repetition such as
`(a{1,100}){1,9}` costs milliseconds each time it is met.

The rules, checked on tokens (strings and comments are set aside first):
1. at most MAX_SOURCE characters and MAX_MACROS macros;
2. no `map`: conditions ask, they do not build;
3. together with a macro no `+`, no `{` and no list of anything but literals: nothing can grow from step to step;
4. `matches` takes a literal pattern, and together with a macro one without `{`.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import Final

MAX_SOURCE: Final = 2_000
MAX_MACROS: Final = 8

_MACROS: Final = frozenset({"all", "exists", "exists_one", "filter", "map"})
_LITERALS: Final = frozenset({"true", "false", "null"})
_TOKEN: Final = re.compile(
    r"""
      (?P<comment>//[^\n]*)
    | (?P<string>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<number>(?:\d[\w.]*(?:(?<=[eE])[+-]\d+)?))
    | (?P<ident>[A-Za-z_]\w*)
    | (?P<space>\s+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
Token = tuple[str, str]  # group name, text


def tokens(source: str) -> list[Token]:
    """The tokens that matter, without white space and comments."""
    found = ((m.lastgroup or "", m.group()) for m in _TOKEN.finditer(source))
    return [(kind, text) for kind, text in found if kind not in ("space", "comment")]


@functools.lru_cache(maxsize=1_024)
def identifiers(source: str) -> frozenset[str]:
    """Every name the source mentions (fields and functions too)."""
    return frozenset(text for kind, text in tokens(source) if kind == "ident")


def refusal(source: str) -> str:
    """Why this text cannot be a condition, "" when it can."""
    if not source.strip():
        return "the condition is empty"
    if len(source) > MAX_SOURCE:
        return f"the condition is longer than {MAX_SOURCE} characters"
    found = tokens(source)
    macros = _macros(found)
    if "map" in macros:
        return "`map` is not available in conditions (use all, exists or filter)"
    if len(macros) > MAX_MACROS:
        return f"the condition has more than {MAX_MACROS} macros"
    return _growth(found) or _patterns(found, in_macro=True) if macros else _patterns(found, in_macro=False)


def _macros(found: list[Token]) -> list[str]:
    pairs = itertools.pairwise(found)
    return [name for (kind, name), (_, after) in pairs if kind == "ident" and name in _MACROS and after == "("]


def _growth(found: list[Token]) -> str:
    for at, (kind, text) in enumerate(found):
        if kind == "sign" and text in "+{":
            return f"`{text}` cannot stand beside all, exists or filter: values must not grow from step to step"
        if kind == "sign" and text == "[" and not _is_index(found, at) and not _only_literals(found, at):
            return "beside all, exists or filter a list may hold literals only"
    return ""


def _is_index(found: list[Token], at: int) -> bool:
    before = found[at - 1] if at else ("", "")
    return before[1] in (")", "]") or (before[0] == "ident" and before[1] != "in")


def _only_literals(found: list[Token], at: int) -> bool:
    for kind, text in found[at + 1 :]:
        if text == "]":
            return True
        if kind == "ident" and text not in _LITERALS:
            return False
        if kind == "sign" and text not in ",-":
            return False
    return False


def _patterns(found: list[Token], *, in_macro: bool) -> str:
    for at, (kind, name) in enumerate(found):
        if kind != "ident" or name != "matches":
            continue
        kinds = [kind for kind, _ in found[at + 1 : at + 4]]
        shape = [text for _, text in found[at + 1 : at + 4]]
        if len(shape) != 3 or shape[0] != "(" or kinds[1] != "string" or shape[2] != ")":
            return "`matches` takes one literal pattern, as in name.matches('^web-')"
        if in_macro and "{" in shape[1]:
            return "a pattern beside all, exists or filter cannot hold `{`: it would be compiled at every step"
    return ""
