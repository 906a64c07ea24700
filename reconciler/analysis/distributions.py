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
        while at < len(steps) - 1 and below + steps[at][2] < wanted:
            below += steps[at][2]
            at += 1
        low, high, mass = steps[at]
        values.append(low + (high - low) * min(1.0, max(0.0, (wanted - below) / mass)))
    return tuple(values)


def _steps(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The same mass as pieces that do not overlap, ascending."""
    points = merged((low, low, mass) for low, high, mass in pieces if low == high)
    wide = [piece for piece in pieces if piece[0] < piece[1]]
    edges = sorted({edge for low, high, _ in pieces for edge in (low, high)})
    active: list[Piece] = []
    coming = 0
    for edge, following in zip(edges, [*edges[1:], edges[-1]], strict=True):
        if (edge, edge) in points:
            yield edge, edge, points[edge, edge]
        active = [piece for piece in active if piece[1] > edge]
        while coming < len(wide) and wide[coming][0] <= edge:
            active.append(wide[coming])
            coming += 1
        mass = math.fsum(m * ((following - edge) / (high - low)) for low, high, m in active)
        if mass > 0:
            yield edge, following, mass


def sane(counts: Sequence[float], bounds: Sequence[float] = ()) -> bool:
    """Whether buckets may be looked at: few enough, finite, none negative, bounds ascending."""
    fine = len(counts) <= _MOST_BUCKETS and all(0 <= count < math.inf for count in counts)
    ascending = all(a < b for a, b in itertools.pairwise(bounds))
    return fine and ascending and all(math.isfinite(bound) for bound in bounds)
