"""Likeness of incidents: a portrait as one vector of fixed length, so that the nearest earlier ones can be looked up anywhere.

Four blocks, each of length one before it is weighted: which metrics moved, where and how far; the places of their components in
the call graph; log templates; words and their letters (hashed n-grams, so that `timeout` is near `timeouts`). What is missing
is a block of zeros. Signs and places come from a hash of the feature's name: nothing is learnt or downloaded, and every
installation and release maps the same incident to the same vector.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence

from reconciler.analysis.words import words
from reconciler.model.memory import Moved, Portrait

VERSION = "1"  # of this mapping: a memory made by another one is made anew
BLOCKS = (("moved", 128, 0.5), ("places", 16, 0.1), ("templates", 48, 0.2), ("words", 64, 0.2))  # name, length, weight
LENGTH = sum(length for _, length, _ in BLOCKS)
LARGE = 30.0  # robust deviations beyond which a departure does not count more
_STATISTIC = re.compile(r"p\d+|avg|mean|average|max|min|sum|total|seconds|ms|s|bytes|mi|m|percent|rate|ratio")
_PART = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+|\d+")

Features = Iterable[tuple[str, float]]


def vector(portrait: Portrait) -> tuple[float, ...]:
    """Of length one, or all zeros for a portrait that shows nothing."""
    made: list[float] = []
    features = (_moved(portrait.moved), _places(portrait.moved), _templates(portrait.templates), _letters(portrait.words))
    for (name, length, weight), found in zip(BLOCKS, features, strict=True):
        made += [math.sqrt(weight) * value for value in hashed(found, length, name)]
    return unit(made)


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors of length one; nothing in common is 0."""
    return max(0.0, sum(map(float.__mul__, one, other)))


def hashed(features: Features, length: int, salt: str) -> list[float]:
    """Features added up at places and with signs that their names' hash gives; scaled to length one."""
    made = [0.0] * length
    for name, weight in features:
        if math.isfinite(weight):
            place, sign = _place(f"{salt}/{name}")
            made[place % length] += sign * weight
    return list(unit(made))


def unit(values: Sequence[float]) -> tuple[float, ...]:
    norm = math.sqrt(sum(value * value for value in values))
    return tuple(value / norm for value in values) if norm > 0 else tuple(0.0 for _ in values)


@functools.lru_cache(maxsize=65_536)
def _place(name: str) -> tuple[int, float]:
    found = int.from_bytes(hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest(), "big")
    return found >> 1, 1.0 if found & 1 else -1.0


def _moved(moved: Sequence[Moved]) -> Iterator[tuple[str, float]]:
    """The metric alone, with its direction, and with its place: what agrees in all three is nearest."""
    for one in moved:
        size = number(one.size)
        weight = math.log1p(min(abs(size), LARGE))
        metric, way = family(one.metric), "up" if size > 0 else "down"
        role = one.place.partition(" ")[0]
        yield from ((f"{metric}", 0.5 * weight), (f"{metric} {way}", weight), (f"{role} {metric} {way}", weight))


def family(metric: str) -> str:
    """The metric without its statistic and unit: the 95th percentile of a latency is the latency."""
    said = [word for word in _PART.findall(metric) if not _STATISTIC.fullmatch(word.lower())]
    return "".join(said).lower() or metric.lower()


def _places(moved: Sequence[Moved]) -> Iterator[tuple[str, float]]:
    for place in sorted({one.place for one in moved}):
        yield place, 1.0


def _templates(templates: Sequence[str]) -> Iterator[tuple[str, float]]:
    for template in templates:
        said = words(template)
        yield from ((word, 1.0) for word in said)
        yield from ((f"{a} {b}", 1.0) for a, b in itertools.pairwise(said))


def _letters(said: Sequence[str]) -> Iterator[tuple[str, float]]:
    for word in said:
        yield f"={word}", 1.0
        whole = f"<{word}>"
        yield from ((whole[i : i + 4], 0.5) for i in range(max(1, len(whole) - 3)))


def number(text: str) -> float:
    """0 for what is no number: it moved nothing."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else math.copysign(LARGE, found) if math.isinf(found) else 0.0
