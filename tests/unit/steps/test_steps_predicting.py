"""Who asks for a prediction hears of the time from now on, of nothing out of date, and asks for no more than a look takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from reconciler.model.findings import Finding
from reconciler.ports.analyst import Answer
from reconciler.steps.attending import FEW
from reconciler.steps.outlook import FAR, OLD
from reconciler.steps.predicting import predict
from reconciler.steps.world import Cursor
from reconciler.testing.analysts import InlineAnalyst
from reconciler.testing.clock import ManualClock
from reconciler.testing.telemetry import MemoryTelemetry

NOW, MINUTE = 1_000_000_000, 60_000
VALUES = (("lead_s", "6600"), ("limit", "0.9"))
BREACH = Finding("forecasts", "1", "", "breach", "cart", "cpu_usage", 9, "0.8", VALUES, "it passes")
COURSE = Finding("forecasts", "1", "", "forecast", "cart", "cpu_usage", 9, "0.8", (("24 h", "0.95"),), "it will be")


def _world(age_ms: int = 0, components: int = 2) -> Any:
    cursor = Cursor(applied="head")
    cursor.outlook.found[FAR.name] = (NOW - age_ms, (BREACH, COURSE))
    names = ["cart", *(f"s{n:03}" for n in range(components - 1))]
    rules = SimpleNamespace(sensors=(), objectives=(), calendars=(), capacities=(), policy=SimpleNamespace(maintenance=()))
    return SimpleNamespace(
        clock=ManualClock(NOW), telemetry=MemoryTelemetry(components=names), cursor=cursor,
        analyst=InlineAnalyst(lambda _: Answer()), applied_rulebook=lambda: rules,
    )  # fmt: skip


def _never(_: float) -> None:
    raise AssertionError("it waits for an answer that is there")


def test_the_time_that_went_by_since_the_look_is_taken_off() -> None:
    assert predict(_world(), "cart", 60, _never).risk == "0", "110 minutes from now"
    found = predict(_world(age_ms=55 * MINUTE), "cart", 60, _never)
    assert (found.risk, found.breaches[0].lead_minutes) == ("0.8", "55")
    assert predict(_world(age_ms=115 * MINUTE), "cart", 60, _never).breaches[0].lead_minutes == "0"


def test_a_look_of_long_ago_foretells_nothing() -> None:
    found = predict(_world(age_ms=OLD * FAR.every_ms + 1), "cart", 1_440, _never)
    assert (found.risk, found.confidence) == ("0", "0.5")
    assert found.unknown == ("there is no recent forecast: they need days of history",)


def test_what_has_no_forecast_is_told_and_makes_nobody_surer() -> None:
    world, why = _world(), "what is asked of cart together (shop) has no forecast: of search: cpu_usage is not measured"
    silent = Finding("forecasts", "4", "", "unknown", "cart", "cpu_usage{capacity=shop}", 9, "0", (), why)
    world.cursor.outlook.found[FAR.name] = (NOW, (silent,))
    found = predict(world, "cart", 1_440, _never)
    assert (found.confidence, found.unknown) == ("0.5", (why,))


def test_where_components_are_many_no_more_are_looked_at_than_the_loop_itself_would() -> None:
    world = _world(components=3 * FEW)
    predict(world, "s250", 60, _never)
    (asked,) = world.analyst.asked
    assert len(asked.components) == FEW
    assert "s250" in asked.components


def test_where_they_are_few_all_who_ask_share_one_look() -> None:
    world = _world()
    predict(world, "cart", 60, _never)
    predict(world, "s000", 60, _never)
    assert len(world.analyst.asked) == 1
