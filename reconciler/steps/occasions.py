"""Occasions: when the days of the calendars begin and end, for a look at telemetry and the day after it.

In: the Calendar documents and the stretch that is looked at. Out: spans in milliseconds, of days past and to come, with the usual
days that stand in for them. Days that no calendar calls special alone stand in for anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from reconciler.documents.calendar import Calendar, CalendarSpec, zone_of
from reconciler.documents.freeze import DAYS
from reconciler.model.occasions import Occasion, Span

DAY_MS = 86_400_000


def occasions(calendars: Sequence[Calendar], start_ms: int, now_ms: int) -> tuple[Occasion, ...]:
    """Those with a day between the start and a day from now, by name."""
    spans = {one.metadata.name: _spans(one.spec, start_ms, now_ms + DAY_MS) for one in calendars}
    special = [span for found in spans.values() for span in found]
    return tuple(
        Occasion(name, spans[name], _like(one.spec, special, start_ms, now_ms), one.spec.components)
        for name, one in sorted(((one.metadata.name, one) for one in calendars), key=lambda pair: pair[0])
        if spans[name]
    )


def _spans(spec: CalendarSpec, start_ms: int, end_ms: int) -> tuple[Span, ...]:
    found = (_span(spec, dt.date.fromisoformat(day)) for day in sorted(set(spec.days)))
    return tuple(span for span in found if span[1] > start_ms and span[0] < end_ms)


def _span(spec: CalendarSpec, day: dt.date) -> Span:
    zone, begins, ends = zone_of(spec.zone), *(dt.time.fromisoformat(text) for text in (spec.start, spec.end))
    until = day if ends > begins else day + dt.timedelta(days=1)
    start, end = (dt.datetime.combine(date, at, zone) for date, at in ((day, begins), (until, ends)))
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)


def _like(spec: CalendarSpec, special: Sequence[Span], start_ms: int, now_ms: int) -> tuple[Span, ...]:
    """The days that stand in, which are over."""
    if spec.like == "none":
        return ()
    days = (_span(spec, day) for day in _weekly(DAYS.index(spec.like), start_ms, now_ms))
    usual = (day for day in days if not any(day[0] < end and start < day[1] for start, end in special))
    return tuple(day for day in usual if start_ms <= day[0] and day[1] <= now_ms)


def _weekly(weekday: int, start_ms: int, now_ms: int) -> Iterator[dt.date]:
    """The dates of a day of the week, with one to spare on both sides for time zones."""
    first, last = (dt.datetime.fromtimestamp(at / 1000, dt.UTC).date() for at in (start_ms, now_ms))
    for number in range((last - first).days + 3):
        day = first + dt.timedelta(days=number - 1)
        if day.weekday() == weekday:
            yield day
