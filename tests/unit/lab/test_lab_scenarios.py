"""Every scenario does what its bounds say, at quiet and busy hours: it shows, its cures cure, its backfires make it worse."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.lab.faults import Fault, read_fault
from reconciler.lab.scenarios import SCENARIOS, Edit, Scenario

DAY_MS = 86_400_000
MIDNIGHT_MS = 1_700_006_400_000 // DAY_MS * DAY_MS
HOURS = (7, 19)  # the quietest and the busiest
TROUBLES = [s for s in SCENARIOS.values() if s.shows]
CURES = [(s, e) for s in TROUBLES for e in s.cures]
BACKFIRES = [(s, e) for s in TROUBLES for e in s.backfires]
Found = Callable[[int], Any]


def commit(town: Any, edit: Edit | None) -> None:
    """Deploy the template with one edit."""
    specs = {i: spec for unit in town.manifests.values() for i, spec in unit.items()}
    changed = edit.edited(specs[edit.object_id]) if edit else {}
    name = edit.object_id.partition("/")[2].replace("-", "_") if edit else "frontend"
    town.deploy(**{name: changed})


def in_trouble(found: Found, scenario: Scenario, hour: int) -> Any:
    town = found(MIDNIGHT_MS + hour * 3_600_000)
    town.deploy()
    town.wait(120)
    for symptom in scenario.shows:
        assert town.read(symptom.component, symptom.metric) < symptom.bound, "shows before there is trouble"
    for fault in scenario.faults:
        town.world.add_fault(fault)
    commit(town, scenario.commit)
    town.wait(scenario.shows_after_s)
    return town


def readings(town: Any, scenario: Scenario) -> list[float]:
    return [town.read(s.component, s.metric) for s in scenario.shows]


@pytest.mark.parametrize("hour", HOURS)
@pytest.mark.parametrize("scenario", TROUBLES, ids=lambda s: s.name)
def test_a_trouble_shows_itself_and_stays(found: Found, scenario: Scenario, hour: int) -> None:
    town = in_trouble(found, scenario, hour)
    for _ in range(2):
        assert all(value > s.bound for value, s in zip(readings(town, scenario), scenario.shows, strict=True))
        town.wait(15)


@pytest.mark.parametrize("hour", HOURS)
@pytest.mark.parametrize(("scenario", "cure"), CURES, ids=lambda x: getattr(x, "name", getattr(x, "field", "")))
def test_a_cure_cures_within_a_minute(found: Found, scenario: Scenario, cure: Edit, hour: int) -> None:
    town = in_trouble(found, scenario, hour)
    commit(town, cure)
    town.wait(60)
    assert all(value < s.bound for value, s in zip(readings(town, scenario), scenario.shows, strict=True))


@pytest.mark.parametrize("hour", HOURS)
@pytest.mark.parametrize(("scenario", "repair"), BACKFIRES, ids=lambda x: getattr(x, "name", str(getattr(x, "value", ""))))
def test_a_repair_that_backfires_makes_it_worse_and_its_inverse_undoes_that(
    found: Found, scenario: Scenario, repair: Edit, hour: int
) -> None:
    town = in_trouble(found, scenario, hour)
    before = readings(town, scenario)
    commit(town, repair)
    town.wait(60)
    worse = readings(town, scenario)
    assert all(after > 1.2 * was for after, was in zip(worse, before, strict=True))
    town.deploy()
    town.wait(60)
    assert all(now < 0.7 * was for now, was in zip(readings(town, scenario), worse, strict=True))


@pytest.mark.parametrize("scenario", [s for s in TROUBLES if s.name.startswith("bad-release")], ids=lambda s: s.name)
def test_untouched_neighbours_stay_as_they_were(found: Found, scenario: Scenario) -> None:
    town = in_trouble(found, scenario, 12)
    for neighbour in ("search", "catalog", "recommendation"):
        assert town.read(neighbour, "error_rate") < 0.01
        assert town.read(neighbour, "latency_p99") < 250


@pytest.mark.parametrize("hour", HOURS)
def test_the_crowd_of_the_retry_storm_passes_where_nobody_repeats_calls(found: Found, hour: int) -> None:
    scenario = SCENARIOS["retry-storm"]
    town = in_trouble(found, dataclasses.replace(scenario, commit=None), hour)
    assert all(value < s.bound for value, s in zip(readings(town, scenario), scenario.shows, strict=True))


def test_every_scenario_names_faults_the_lab_accepts() -> None:
    for scenario in SCENARIOS.values():
        assert all(isinstance(read_fault(f, "f1"), Fault) for f in scenario.faults)
