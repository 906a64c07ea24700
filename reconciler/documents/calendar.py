"""Calendar: days that people know to be of a kind of their own, so that forecasts expect them: holidays, sales, nightly moves.

One document a kind of day; dates are those of its time zone. `reconciler.steps.occasions` says when that is, and
`reconciler.analysis.forecasts.calendar` what becomes of it. A calendar changes forecasts and nothing else: no policy asks it.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.freeze import OF_DAY, Day

Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


def zone_of(name: str) -> dt.tzinfo:
    """UTC is known even to machines without data about time zones."""
    return dt.UTC if name == "UTC" else ZoneInfo(name)


class CalendarSpec(Spec):
    """Which days, and what they are like."""

    days: tuple[Date, ...] = Field(
        min_length=1, max_length=1_000, description="Dates such as `2026-12-25`, past ones too: what they were like is learned."
    )
    zone: str = Field(default="UTC", max_length=64, description="Time zone of the dates, such as `Europe/Berlin`. Default UTC.")
    start: str = Field(
        default="00:00", pattern=OF_DAY, description="Time of day when it begins, such as `18:00`. Default: midnight."
    )
    end: str = Field(
        default="00:00",
        pattern=OF_DAY,
        description="Time of day when it ends; not later than start means the next day. Default: midnight, so whole days.",
    )
    like: Day | Literal["none"] = Field(
        default="sun",
        description="The day of the week that stands in until there was such a day; `none`: nothing does. Default `sun`.",
    )
    components: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(), max_length=500, description="Whose days these are. Default: every component's."
    )

    @field_validator("days")
    @classmethod
    def _are_dates(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        for day in days:
            try:
                dt.date.fromisoformat(day)
            except ValueError as error:
                raise ValueError(f"{day} is no date of the calendar") from error
        return days

    @model_validator(mode="after")
    def _is_a_zone(self) -> Self:
        try:
            zone_of(self.zone)
        except (LookupError, ValueError, OSError) as error:  # unknown, or a path
            raise ValueError(f"zone: {self.zone!r} is no time zone that this machine knows, such as Europe/Berlin") from error
        return self


class Calendar(Document):
    """Days of a kind of their own, for forecasts."""

    kind: Literal["Calendar"] = Field(description="Always `Calendar`.")
    spec: CalendarSpec = Field(description="Which days, and what they are like.")
