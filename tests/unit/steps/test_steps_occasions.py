"""Calendars say which days are special; what that is in time follows zone, time of day and the days that stand in."""

from __future__ import annotations

import datetime as dt

import pytest

from reconciler.documents import check, load_tree
from reconciler.documents.calendar import Calendar
from reconciler.steps.occasions import occasions

TEXT = """apiVersion: homeostat/v1
kind: Calendar
metadata:
  name: holidays
spec:
  days: [2026-12-25, 2026-12-26]
  zone: Europe/Berlin
"""


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1000


def read(text: str) -> Calendar:
    (loaded,) = load_tree({"sensors/days.yaml": text.encode()}).of(Calendar)
    return loaded.document


def seen(*texts: str, now: str = "2026-12-24T12:00Z"):
    return occasions([read(text) for text in texts], at(now) - 14 * 86_400_000, at(now))


def test_whole_days_begin_and_end_at_midnight_of_their_zone():
    (found,) = seen(TEXT)
    assert found.spans == ((at("2026-12-25T00:00+01:00"), at("2026-12-26T00:00+01:00")),)
    assert (found.name, found.components) == ("holidays", ())


def test_sundays_that_are_over_stand_in_unless_another_day_is_named():
    (found,) = seen(TEXT)
    assert found.like == tuple((at(f"2026-12-{day}T00:00+01:00"), at(f"2026-12-{day + 1}T00:00+01:00")) for day in (13, 20))
    assert seen(TEXT + "  like: none\n")[0].like == ()
    assert len(seen(TEXT + "  like: fri\n")[0].like) == 2


def test_a_day_that_a_calendar_calls_special_stands_in_for_none():
    sale = TEXT.replace("holidays", "sale").replace("[2026-12-25, 2026-12-26]", "[2026-12-20]") + "  like: none\n"
    holidays, found = seen(TEXT, sale)
    assert (found.name, len(found.spans)) == ("sale", 1)
    assert holidays.like == ((at("2026-12-13T00:00+01:00"), at("2026-12-14T00:00+01:00")),)


def test_an_evening_may_end_on_the_next_day():
    (found,) = seen(TEXT + '  start: "22:00"\n  end: "02:00"\n', now="2026-12-25T12:00Z")
    assert found.spans[0] == (at("2026-12-25T22:00+01:00"), at("2026-12-26T02:00+01:00"))


def test_past_days_are_told_as_long_as_the_look_reaches_back():
    assert len(seen(TEXT, now="2027-01-02T12:00Z")[0].spans) == 2
    assert seen(TEXT, now="2027-02-02T12:00Z") == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("2026-12-26", "2026-02-30", "2026-02-30 is no date of the calendar"),
        ("Europe/Berlin", "Berlin", "'Berlin' is no time zone that this machine knows"),
        ("Europe/Berlin", "../../etc/passwd", "is no time zone"),
        ("[2026-12-25, 2026-12-26]", "[]", "at least 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(before: str, after: str, said: str):
    (problem,) = check(TEXT.replace(before, after).encode(), "sensors/days.yaml")
    assert said in problem.message
