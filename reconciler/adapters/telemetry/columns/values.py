"""How the values of a row are held in few bytes, exactly, and at the speed of memory.

Most of what is measured are counts and decimals of few digits. A row whose values are all whole multiples of 10 to the
-k (k from 0 to 6) is held as unsigned whole numbers above the row's least, in 0, 1, 2 or 4 bytes each: no general
compressor decodes as fast, or needs no dependency. Whatever does not come back equal is held as it is, in 8 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Held = NDArray[Any]  # whole numbers of some width, or floats

AS_IT_IS = 8  # bytes of a value that is not a short decimal
_MOST_DIGITS = 6
_EXACT = 2.0**53  # whole numbers below have a float of their own
_WIDTHS = ((0, 0.0), (1, 255.0), (2, 65_535.0), (4, 4_294_967_295.0))
DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("u1"),
    1: np.dtype("u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    AS_IT_IS: np.dtype("<f8"),
}


@dataclass(frozen=True, slots=True)
class Packing:
    """A row each: bytes a value, digits after the point, and the least whole number."""

    width: NDArray[np.uint8]
    digits: NDArray[np.int8]
    base: Floats


def packing(values: Floats, starts: Ints) -> Packing:
    """How each row, values[starts[i]:starts[i + 1]], is held in the fewest bytes."""
    rows = len(starts)
    made = Packing(np.full(rows, AS_IT_IS, np.uint8), np.zeros(rows, np.int8), np.zeros(rows))
    left, part, begins = np.arange(rows), values, starts
    # What has more digits than the most has no fewer: one look spares the other five. Large whole numbers are seen at 0.
    for digits in (0, _MOST_DIGITS, *range(1, _MOST_DIGITS)):
        if not len(left):
            break
        low, high, fits = _scaled(part, begins, digits)
        if digits == _MOST_DIGITS:
            keep = fits
        else:
            keep = ~fits
            _settle(made, left[fits], low[fits], high[fits], digits)
        counts = np.diff(np.append(begins, len(part)))
        if not keep.all():
            part, left, counts = part[np.repeat(keep, counts)], left[keep], counts[keep]
            begins = np.cumsum(counts) - counts
    if len(left):
        low, high, _ = _scaled(part, begins, _MOST_DIGITS)
        _settle(made, left, low, high, _MOST_DIGITS)
    return made


def _scaled(part: Floats, begins: Ints, digits: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The least and the greatest whole number of each row, and whether all of its values come back from them."""
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(part * 10.0**digits)
        fits = (whole / 10.0**digits == part) & (np.abs(whole) < _EXACT)
    return np.minimum.reduceat(whole, begins), np.maximum.reduceat(whole, begins), np.logical_and.reduceat(fits, begins)


def _settle(made: Packing, rows: NDArray[np.intp], low: Floats, high: Floats, digits: int) -> None:
    for width, most in reversed(_WIDTHS):
        narrow = rows[high - low <= most]
        made.width[narrow], made.digits[narrow], made.base[narrow] = width, digits, low[high - low <= most]


def pack(matrix: Floats, width: int, digits: NDArray[np.int8], base: Floats) -> bytes:
    """Rows of one width, one after the other."""
    if width == AS_IT_IS:
        return matrix.astype(DTYPES[width]).tobytes()
    if width == 0:
        return b""
    whole = np.rint(matrix * _powers(digits)) - base[:, None]
    return whole.astype(DTYPES[width]).tobytes()


def unpack(packed: Held, width: int, digits: NDArray[np.int8], base: Floats) -> Floats:
    """The values of rows of one width. Also right for the least, the greatest and the last of a step."""
    values: Floats = packed.astype(np.float64)
    if width == AS_IT_IS:
        return values
    values += base[:, None]
    if digits.any():
        values /= _powers(digits)
    return values


def _powers(digits: NDArray[np.int8]) -> Floats:
    found: Floats = 10.0 ** digits.astype(np.float64)
    return found[:, None]
