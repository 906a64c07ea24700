"""Quantities as Kubernetes writes them (`512Mi`, `1.5Gi`, `250m`): read exactly, scaled in the unit that stands there.

A result is a whole number of that unit, or quarters of it below ten, so that it reads as a person would have written it and is
a whole number of bytes in every binary unit.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction

PATTERN = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
UNITS = {
    "m": Fraction(1, 1_000),
    "": Fraction(1),
    **{unit: Fraction(1_000**power) for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Fraction(1_024**power) for power, unit in enumerate("KMGTPE", 1)},
}
MOST = 10**18  # of a unit: longer numbers are no quantity
SMALL = 10  # of a unit: below it a whole one more or less would be a large step


@dataclass(frozen=True, slots=True)
class Quantity:
    """So many of a unit. `parts`: how finely it may be written."""

    count: Fraction
    unit: str
    parts: int = 1

    @property
    def amount(self) -> Fraction:
        """In the base unit: bytes, or cores."""
        return self.count * UNITS[self.unit]

    @property
    def text(self) -> str:
        whole, rest = divmod(self.count, 1)
        return f"{whole}{f'{float(rest):.2f}'[1:].rstrip('0') if rest else ''}{self.unit}"

    def scaled(self, ratio: Fraction, low: Fraction, high: Fraction) -> Quantity:
        """Multiplied and rounded away from where it was, within the amounts low to high; itself where no step fits there."""
        wanted, unit = self.count * ratio, UNITS[self.unit]
        grown = self._up(wanted) if ratio > 1 else self._down(wanted)
        count = max(self._up(low / unit), min(self._down(high / unit), grown))
        return replace(self, count=count) if low <= count * unit <= high and count < MOST else self

    def _up(self, count: Fraction) -> Fraction:
        parts = self.parts if count < SMALL else 1
        return Fraction(math.ceil(count * parts), parts)

    def _down(self, count: Fraction) -> Fraction:
        parts = self.parts if count < SMALL else 1
        return Fraction(math.floor(count * parts), parts)


def quantity(value: int | str) -> Quantity | None:
    """What a quantity says; None when it is none. A number without quotes and thousandths stay whole."""
    found = re.match(PATTERN, str(value))
    if found is None:
        return None
    unit = found[3] or ""
    parts = 1 if isinstance(value, int) or unit == "m" else 4
    return Quantity(Fraction(found[1] + (found[2] or "")), unit, parts)
