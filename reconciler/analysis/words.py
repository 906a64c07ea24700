"""Words of a text, and BM25: which of many short texts is about these words.

In: texts that others wrote. Out: scores. Only letters and digits are read, so no text can bring syntax of its own; a name that
is written in several words (`checkoutService`, `checkout-service`) is all of them and its parts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

LONGEST = 40  # letters of one word
MOST = 2_000  # words of one text
SATURATION, LENGTH = 1.2, 0.75  # k1 and b of BM25, as everybody sets them

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_WORD = re.compile(r"[a-z0-9]+")
_COMMON = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "if", "in", "is", "it", "its", "of", "on",
    "or", "that", "the", "then", "there", "this", "to", "was", "when", "which", "with",
})  # fmt: skip


def words(text: str) -> list[str]:
    """In order, with repetitions; joined names whole and in parts."""
    found: list[str] = []
    for name in _NAME.finditer(text):
        if len(found) >= MOST:
            break
        parts = [p for p in _WORD.findall(_HUMP.sub(" ", name[0]).lower()) if p not in _COMMON]
        found += [p[:LONGEST] for p in parts]
        if len(parts) > 1:
            found.append("".join(parts)[:LONGEST])
    return found


class Bm25:
    """An index over texts given as words. Made anew when they change; a few thousand take some hundredths of a second."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._holding: dict[str, list[tuple[int, float]]] = {}
        mean = sum(map(len, texts)) / len(texts) if texts else 0.0
        for place, text in enumerate(texts):
            norm = SATURATION * (1 - LENGTH + LENGTH * len(text) / mean) if mean else 1.0
            for word, count in Counter(text).items():
                self._holding.setdefault(word, []).append((place, count * (SATURATION + 1) / (count + norm)))
        self._count = len(texts)

    def scores(self, query: Sequence[str]) -> dict[int, float]:
        """Place to score of every text that holds one of these words; a word said twice counts once."""
        found: dict[int, float] = {}
        for word in dict.fromkeys(query):
            holding = self._holding.get(word, ())
            rarity = math.log(1 + (self._count - len(holding) + 0.5) / (len(holding) + 0.5))
            for place, share in holding:
                found[place] = found.get(place, 0.0) + rarity * share
        return found

    def best(self, query: Sequence[str], most: int) -> Iterator[tuple[int, float]]:
        """The places with the largest scores, the largest first; equal ones in their order."""
        ranked = sorted(self.scores(query).items(), key=lambda item: (-item[1], item[0]))
        yield from ranked[:most]
