"""Incidents of which nothing has happened yet: confirmed by being foreseen still, told once, and over when they are not."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable

from installation import Installation

from reconciler.model.canonical import decode, encode
from reconciler.model.findings import Finding
from reconciler.model.wholes import Whole
from reconciler.ports.analyst import Answer, Inquiry
from reconciler.testing.analysts import InlineAnalyst

LINE = (("lead_s", "1500"), ("limit", "0.97"), ("level", "0.6"), ("per_second", "0.0002"), ("rising", "1"))


def risk() -> Finding:
    return Finding("failures", "1", "", "risk", "search", "cpu_usage", 9, "0.5", LINE, "cpu_usage of search grows")


def looking(site: Installation, find: Callable[[Inquiry], tuple[Finding, ...]], missing: str = "") -> InlineAnalyst:
    """The near look is due now, and not only minutes after the start."""
    analyst = InlineAnalyst(lambda asked: Answer(find(asked) if "failures" in asked.detectors else (), missing))
    site.system.world = dataclasses.replace(site.system.world, analyst=analyst)
    again(site)
    return analyst


def again(site: Installation) -> None:
    site.system.world.cursor.outlook.due["near"] = site.clock.now()


def test_what_is_foreseen_becomes_one_incident_however_often_it_is_foreseen(site: Installation) -> None:
    analyst = looking(site, lambda _: (risk(),))
    site.allow_everything("review")
    site.until(lambda: site.pulls("open"), seconds=60)
    again(site)
    site.advance(10)
    near = [asked for asked in analyst.asked if "failures" in asked.detectors]
    assert len(near) == 2
    assert [(limit.component, limit.at) for limit in near[0].limits if limit.metric == "cpu_usage"] == [("", "0.97")]
    (incident,) = site.payloads("incident")
    (signal,) = incident["incident"]["signals"]
    assert (signal["source"], signal["component"], signal["value"]) == ("predicted/failures", "search", "0.6")
    assert "replicas from" in site.pulls("open")[0].narrative.edit_in_words[0]
    (cause,) = site.payloads("diagnosis")[0]["diagnosis"]["causes"]
    assert (cause["kind"], cause["confidence"]) == ("load", "0.5")
    assert "what speaks for it: level 0.6, per_second 0.0002, rising 1" in cause["evidence"][0]["text"]


def test_what_is_foreseen_no_longer_is_over(site: Installation) -> None:
    seen = [risk()]
    looking(site, lambda _: tuple(seen))
    site.until(lambda: site.system.world.cursor.outlook.found, seconds=60)
    seen.clear()
    site.system.world.cursor.outlook.found.clear()  # as after a restart: nothing is known until the next look
    site.advance(20)
    assert [stage for stage, _, _ in site.story()] == ["triage"]
    again(site)
    site.until(lambda: not site.cases(open_only=True), seconds=60)
    assert site.story() == [("done", "stale", "it is foreseen no longer")]


def test_an_analysis_that_fails_is_told_and_stops_nothing(site: Installation) -> None:
    looking(site, lambda _: (), missing="out of memory")
    site.advance(10)
    assert "out of memory" in str(site.system.world.meters.faults())
    assert site.payloads("incident") == []


def test_a_calendar_in_the_repository_is_told_to_the_looks_ahead(site: Installation) -> None:
    today = dt.datetime.fromtimestamp(site.clock.now() / 1000, dt.UTC).date()
    text = f"""apiVersion: homeostat/v1
kind: Calendar
metadata:
  name: holidays
spec:
  days: ["{today}"]
"""
    site.add("sensors/holidays.yaml", text, "A day off")
    site.settle()
    analyst = looking(site, lambda _: ())
    site.advance(10)
    asked = next(asked for asked in analyst.asked if "failures" in asked.detectors)
    assert [(one.name, len(one.spans)) for one in asked.occasions] == [("holidays", 1)]
    assert decode(Inquiry, json.loads(encode(asked))) == asked


TOGETHER = "request_rate{capacity=orders}"


def passing() -> tuple[Finding, ...]:
    """As the forecasts say it of what several components ask of another one."""
    values = (("limit", "900"), ("probability", "0.9"), ("lead_s", "7200"), ("soonest_s", "3600"))
    text = f"{TOGETHER} of search passes 900 within 24 h"
    course = Finding("forecasts", "4", "", "forecast", "search", TOGETHER, 9, "0.8", (("highest", "950"), ("of cart", "500")), "")
    return course, Finding("forecasts", "4", "", "breach", "search", TOGETHER, 9, "0.9", values, text)


def test_a_capacity_that_several_will_pass_together_becomes_an_incident_of_the_one_that_bears_it(site: Installation) -> None:
    text = """apiVersion: homeostat/v1
kind: Capacity
metadata:
  name: orders
spec:
  component: search
  metric: request_rate
  parts: [cart, checkout]
  above: 900
"""
    site.add("sensors/orders.yaml", text, "What search can bear")
    site.settle()
    site.allow_everything("review")
    analyst = InlineAnalyst(lambda asked: Answer(passing() if "forecasts" in asked.detectors else ()))
    site.system.world = dataclasses.replace(site.system.world, analyst=analyst)
    site.system.world.cursor.outlook.due["far"] = site.clock.now()
    site.until(lambda: site.pulls("open"), seconds=60)
    asked = next(asked for asked in analyst.asked if "forecasts" in asked.detectors)
    assert asked.wholes == (Whole("orders", "search", "request_rate", "req/s", "900", ("cart", "checkout")),)
    assert decode(Inquiry, json.loads(encode(asked))) == asked
    (signal,) = site.payloads("incident")[0]["incident"]["signals"]
    assert (signal["component"], signal["metric"]) == ("search", TOGETHER)
    (cause,) = site.payloads("diagnosis")[0]["diagnosis"]["causes"]
    assert (cause["kind"], cause["component"]) == ("load", "search")
    assert "forecast highest 950, forecast of cart 500" in cause["evidence"][0]["text"]
