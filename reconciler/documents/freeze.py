"""Freeze: windows in which the machine merges nothing. Always with a reason, because somebody will ask at night.

Times are UTC under the Clock. A window is either from-until, or days with start and end that come again every week.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import Document, Spec
from reconciler.documents.matching import Match

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
INSTANT: Final = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z$"
_DAY_MS: Final = 86_400_000
_EPOCH_DAY: Final = 3  # 1970-01-01 was a Thursday
OF_DAY: Final = r"^([01]\d|2[0-3]):[0-5]\d$"


def instant_ms(text: str) -> int:
    """Milliseconds of `2026-12-24T18:00Z`; ValueError when there is no such time."""
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1_000


class Window(Spec):
    """One window, once or weekly."""

    start: str = Field(description="When it begins: `2026-12-24T18:00Z`, or `18:00` (UTC) together with days.")
    end: str = Field(description="When it ends, in the same form; of day and not later than start means the next day.")
    days: tuple[Day, ...] = Field(
        default=(), max_length=7, description="The days on which a weekly window begins. Default: once."
    )

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        form = OF_DAY if self.days else INSTANT
        for name in ("start", "end"):
            _is_time(name, getattr(self, name), form, weekly=bool(self.days))
        if not self.days and instant_ms(self.start) >= instant_ms(self.end):
            raise ValueError("end: is not after start, so the window would never be open")
        return self


def _is_time(name: str, text: str, form: str, *, weekly: bool) -> None:
    if not re.match(form, text):
        example = "18:00" if weekly else "2026-12-24T18:00Z"
        raise ValueError(f"{name}: {text!r} is no time like {example}")
    if not weekly:
        try:
            instant_ms(text)
        except ValueError as error:
            raise ValueError(f"{name}: {text!r} is no date of the calendar") from error


def openings(window: Window, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """[opens, closes) of each time that a window is open at some moment of [start, end)."""
    if not window.days:
        found = [(instant_ms(window.start), instant_ms(window.end))]
    else:
        opens, closes = _of_day(window.start), _of_day(window.end)
        length = (closes - opens) % _DAY_MS or _DAY_MS
        days = range(start_ms // _DAY_MS - 1, (end_ms - 1) // _DAY_MS + 1)  # one that began the day before may still be open
        begins = [day * _DAY_MS + opens for day in days if DAYS[(day + _EPOCH_DAY) % 7] in window.days]
        found = [(begin, begin + length) for begin in begins]
    yield from ((opens, closes) for opens, closes in found if opens < end_ms and closes > start_ms)


def open_until(window: Window, now_ms: int) -> int:
    """When a window that is open now ends; 0 when it is not open."""
    return max((closes for _, closes in openings(window, now_ms, now_ms + 1)), default=0)


def _of_day(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


class FreezeSpec(Spec):
    """When, for whom, and why."""

    match: Match = Field(default_factory=Match, description="Which repairs are frozen. Default: all.")
    windows: tuple[Window, ...] = Field(min_length=1, max_length=100, description="When; at least one window.")
    reason: str = Field(min_length=1, max_length=200, description="Why, in words; shown wherever a repair waits for it.")
    person: bool = Field(
        default=False,
        description="Whether a person's approval may merge in spite of it. Default false: a freeze means everyone's repairs.",
    )


class Freeze(Document):
    """Windows in which the machine merges nothing."""

    kind: Literal["Freeze"] = Field(description="Always `Freeze`.")
    spec: FreezeSpec = Field(description="When, for whom, and why.")
