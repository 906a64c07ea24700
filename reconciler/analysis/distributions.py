"""Quantiles of what arrives as buckets: pieces of mass, each spread evenly between two values. Pure, standard library only.

In: pieces of any histogram, explicit or exponential, of any number of senders, with bounds that need not agree. Out: the
values below which a share of the mass lies. A piece of no width is a point. A bucket without an upper bound is a point at
its lower one, as Prometheus reads it: the tail is never invented.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

Piece = tuple[float, float, float]  # from, to, mass

_MOST_BUCKETS = 400  # of one histogram; the default exponential histogram has 160
_FURTHEST = 1_000.0  # powers of two that a bound may lie away from one
_ROUNDED = 1 - 1e-12  # what is missing of a share by rounding alone is not looked for beyond a gap
_DENSEST = 1e290  # mass over width, with room for the sum of all


def explicit(bounds: Sequence[float], counts: Sequence[float]) -> Iterator[Piece]:
    """The pieces of buckets between ascending bounds; one more count than bounds. The first one begins at zero, or is a point."""
    edges = (min(0.0, bounds[0]), *bounds)
    for at, count in enumerate(counts):
        if count > 0:
            yield edges[at], edges[min(at + 1, len(edges) - 1)], count


def exponential(scale: int, offset: int, counts: Sequence[float], sign: float = 1.0) -> Iterator[Piece]:
    """The pieces of buckets whose bounds grow by 2 ** 2 ** -scale; those too far from one to be numbers are left out."""
    width = 2.0**-scale if abs(scale) <= 30 else math.inf
    for at, count in enumerate(counts, start=offset):
        if count > 0 and abs(at) * width <= _FURTHEST and (abs(at) + 1) * width <= _FURTHEST:
            low, high = sorted((sign * 2.0 ** (at * width), sign * 2.0 ** ((at + 1) * width)))
            yield low, high, count


def merged(pieces: Iterable[Piece]) -> dict[tuple[float, float], float]:
    """Equal pieces of several senders as one."""
    found: dict[tuple[float, float], float] = {}
    for low, high, mass in pieces:
        found[low, high] = found.get((low, high), 0.0) + mass
    return found


def quantiles(pieces: Iterable[Piece], shares: Sequence[float]) -> tuple[float, ...]:
    """The value below which each of these ascending shares of the mass lies; nothing for no mass."""
    found = sorted((low, high, mass) for (low, high), mass in merged(pieces).items() if mass > 0)
    total = math.fsum(mass for _, _, mass in found)
    if not found or not math.isfinite(total):
        return ()
    steps, values = list(_steps(found)), []
    below, at = 0.0, 0
    for share in shares:
        wanted = share * total
        while at < len(steps) - 1 and below + steps[at][2] < wanted * _ROUNDED:
            below += steps[at][2]
            at += 1
        low, high, mass = steps[at]
        values.append(low + (high - low) * min(1.0, max(0.0, (wanted - below) / mass)))
    return tuple(values)


def _steps(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The same mass as pieces that do not overlap, ascending. Densities are added and taken away exactly: no rest is left of a
    piece that is over, and many pieces that cross take no longer than sorting them.
    """
    points: dict[float, float] = {}
    changes: dict[float, list[float]] = {}  # of the density, by edge
    for low, high, mass in pieces:
        density = mass / (high - low) if low < high else 0.0
        if not 0 < density < _DENSEST:  # no width, or none that can be reckoned with
            points[high] = points.get(high, 0.0) + mass
            continue
        changes.setdefault(low, []).append(density)
        changes.setdefault(high, []).append(-density)
    edges = sorted({*points, *changes})
    densities: list[float] = []
    for edge, following in zip(edges, [*edges[1:], edges[-1]], strict=True):
        if edge in points:
            yield edge, edge, points[edge]
        for change in changes.get(edge, ()):
            _add(densities, change)
        mass = math.fsum(densities) * (following - edge)
        if mass > 0:
            yield edge, following, mass


def _add(parts: list[float], value: float) -> None:
    """To a sum kept as parts that do not overlap, so that nothing is rounded (Shewchuk)."""
    kept = 0
    for part in parts:
        large, small = (value, part) if abs(value) >= abs(part) else (part, value)
        value = large + small
        if rest := small - (value - large):
            parts[kept] = rest
            kept += 1
    parts[kept:] = [value] if value else []


def sane(counts: Sequence[float], bounds: Sequence[float] = ()) -> bool:
    """Whether buckets may be looked at: few enough, finite, none negative, bounds ascending."""
    fine = len(counts) <= _MOST_BUCKETS and all(0 <= count < math.inf for count in counts)
    ascending = all(a < b for a, b in itertools.pairwise(bounds))
    return fine and ascending and all(math.isfinite(bound) for bound in bounds)
