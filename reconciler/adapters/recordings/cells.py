"""Single cells of a recording: times, numbers, names. What cannot be read is Misconfigured at its place."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from reconciler.errors import Misconfigured

NOTHING = frozenset({"", "nan", "null", "none", "na", "n/a", "-"})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")
_UNITS = ((1e11, 1_000.0), (1e14, 1.0), (1e17, 1e-3))  # seconds, milliseconds, microseconds since 1970; beyond, nanoseconds
_LONGEST = 40  # characters of a cell that an error quotes


def time_ms(cell: str, where: str) -> int:
    """Seconds, ms, us or ns since 1970 by size, or a date and time (UTC where it names no zone)."""
    text = cell.strip()
    if _NUMBER.fullmatch(text):
        return epoch_ms(float(text), where)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        wanted = "write seconds since 1970 or a time such as 2024-05-01T12:00:00Z"
        raise Misconfigured(f"{text[:_LONGEST]!r} is no time", where=where, next_step=wanted) from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)


def epoch_ms(value: float, where: str) -> int:
    if not math.isfinite(value) or abs(value) >= 1e20:
        raise Misconfigured(f"{value:g} is no time", where=where, next_step="write seconds since 1970")
    factor = next((factor for most, factor in _UNITS if abs(value) < most), 1e-6)
    return round(value * factor)


def number(cell: str, where: str) -> float:
    """NaN where nothing is written."""
    text = cell.strip()
    if text.lower() in NOTHING:
        return math.nan
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else math.nan
    if text.lower().lstrip("+-") in ("inf", "infinity"):
        return math.nan  # no measurement
    raise Misconfigured(
        f"{text[:_LONGEST]!r} is no number", where=where, next_step="leave a cell empty where nothing was measured"
    )
