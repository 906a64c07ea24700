"""What stands out is kept with its reasons, comes first in expensive looks, and is known at once after a restart."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from reconciler.documents.sensor import Sensor
from reconciler.errors import Retryable
from reconciler.model.notices import NOTED, noted
from reconciler.steps.attending import BACK_MS, EVERY_MS, FEW, LATELY_MS, attend, beside, focus
from reconciler.steps.world import Cursor
from reconciler.testing.clock import ManualClock
from reconciler.testing.store import MemoryStore
from reconciler.testing.telemetry import MemoryTelemetry

NOW = 1_000_000_000


def _world(components: int = 3, sensors: tuple[Sensor, ...] = (), measured: int = 3) -> SimpleNamespace:
    """Sixty quiet samples of each, up to now."""
    names = [f"s{n:03}" for n in range(components)]
    telemetry = MemoryTelemetry(calls=[(names[0], names[1])], components=names)
    noise = random.Random(4)
    for name in names[:measured]:
        for metric in ("cpu_usage", "latency_p99"):
            level = 0.5 if metric == "cpu_usage" else 100.0
            telemetry.put(name, metric, [(NOW - EVERY_MS * n, level * (1 + 0.03 * noise.gauss(0, 1))) for n in range(60)])
    book = SimpleNamespace(sensors=sensors, objectives=(), policy=SimpleNamespace(maintenance=()))
    return SimpleNamespace(
        clock=ManualClock(NOW), store=MemoryStore(), telemetry=telemetry, cursor=Cursor(applied="head"),
        applied_rulebook=lambda: book,
    )  # fmt: skip


def _next(world: SimpleNamespace, **latency: float) -> None:
    now = world.clock.advance(EVERY_MS)
    for name in world.telemetry.topology().components[:3]:
        world.telemetry.put(name, "cpu_usage", [(now, 0.5)])
        world.telemetry.put(name, "latency_p99", [(now, latency.get(name, 100.0))])
    attend(world)


def test_a_quiet_site_has_no_notice():
    world = _world()
    attend(world)
    assert noted(world.store.noted(NOTED)) == ()


def test_what_stands_out_is_noted_with_its_reasons_right_after_a_start():
    world = _world()
    attend(world)
    _next(world, s001=300.0)
    (found,) = noted(world.store.noted(NOTED))
    assert (found.component, found.metric, found.level) == ("s001", "latency_p99", "service")
    assert {"deviation", "criticality"} <= set(dict(found.reasons))
    assert float(dict(found.reasons)["criticality"]) == 1.5  # one of the two others needs it
    assert found.text.startswith("latency_p99 of s001 stands out (salience ")


def test_what_the_library_calls_good_counts_less():
    falls, rises = _world(), _world()
    for world, latency in ((falls, 20.0), (rises, 180.0)):
        attend(world)
        _next(world, s001=latency)
    (less,), (more,) = (noted(world.store.noted(NOTED)) for world in (falls, rises))
    assert float(less.salience) < 0.5 * float(more.salience)


def test_it_looks_every_quarter_of_a_minute():
    world = _world()
    attend(world)
    reads = world.telemetry.reads
    world.clock.advance(EVERY_MS - 1)
    attend(world)
    assert world.telemetry.reads == reads


def test_a_blind_source_costs_a_look_and_nothing_else():
    world = _world()
    attend(world)
    world.telemetry.failing = True
    world.clock.advance(EVERY_MS)
    with pytest.raises(Retryable):
        attend(world)
    world.telemetry.failing = False
    _next(world, s001=300.0)
    assert [one.component for one in world.cursor.attending.now] == ["s001"]


def test_a_notice_is_kept_beside_the_diagnosis_of_its_component():
    world = _world()
    attend(world)
    _next(world, s001=300.0)
    (finding,) = beside(world, ["s001", "s000"])
    assert (finding.detector, finding.kind, finding.component, finding.at_ms) == ("attention", "notice", "s001", NOW + EVERY_MS)
    assert finding.settings.startswith("sha256:")
    assert beside(world, ["s002"]) == ()


def test_expensive_looks_take_everyone_where_they_are_few():
    assert focus(_world(), ["s001"]) == ()


def test_where_there_are_many_what_is_asked_about_comes_first_and_then_what_stood_out():
    world = _world(components=3 * FEW)
    world.cursor.attending.lately = {"s250": (NOW, 5.0), "s260": (NOW, 9.0)}
    chosen = focus(world, ["s001"])
    assert len(chosen) == FEW
    assert {"s000", "s001", "s250", "s260"} <= set(chosen)  # s000 calls s001
    world.cursor.attending.lately = {f"s{n:03}": (NOW, float(n)) for n in range(3 * FEW)}
    assert {"s000", "s001", "s299"} <= set(focus(world, ["s001"]))
    assert "s150" not in focus(world, ["s001"])


def test_where_nothing_is_measured_nothing_stands_out():
    world = _world(measured=0)
    attend(world)
    world.clock.advance(EVERY_MS)
    attend(world)
    assert world.cursor.attending.now == ()


def test_a_start_that_was_interrupted_begins_again():
    world = _world()
    rules, world.applied_rulebook = world.applied_rulebook, lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        attend(world)
    world.applied_rulebook = rules
    attend(world)
    _next(world, s001=300.0)
    assert [one.component for one in world.cursor.attending.now] == ["s001"]


def test_after_a_long_pause_no_more_is_read_than_at_a_start():
    world = _world()
    attend(world)
    asked = []
    read = world.telemetry.window
    world.telemetry.window = lambda components, start, end: asked.append((start, end)) or read(components, start, end)
    world.clock.advance(100 * BACK_MS)
    attend(world)
    assert asked == [(world.clock.now() - BACK_MS + 1, world.clock.now())]


def test_series_that_ended_long_ago_are_forgotten_before_they_leave_no_room():
    world = _world()
    world.telemetry.put("s000", "cpu_usage", [(NOW, 0.5)])
    for n in range(1_100):
        world.telemetry.put("s002", f"restarts{{pod={n}}}", [(NOW, 1.0)])
    attend(world)
    for _ in range(2):
        world.clock.advance(43_200_000)
        attend(world)
    assert world.cursor.attending.memory.knows(("s002", "restarts{pod=7}")), "everything is silent: nothing ended"
    _next(world)
    _next(world)
    assert not world.cursor.attending.memory.knows(("s002", "restarts{pod=7}"))
    for _ in range(9):
        _next(world)
    _next(world, s001=300.0)
    assert [one.component for one in world.cursor.attending.now] == ["s001"]


def test_nothing_is_looked_at_before_it_is_known_what_is_applied():
    world = _world()
    world.cursor.applied = None
    attend(world)
    assert world.telemetry.reads == 0


def test_who_stood_out_long_ago_is_not_looked_at_first_any_more():
    world = _world()
    attend(world)
    _next(world, s001=300.0)
    assert "s001" in world.cursor.attending.lately
    for _ in range(2 * LATELY_MS // EVERY_MS):
        _next(world)
    assert world.cursor.attending.lately == {}


def test_what_is_unchanged_is_not_noted_again():
    world, noted_keys = _world(), []
    note = world.store.note
    world.store.note = lambda key, value: noted_keys.append(key) or note(key, value)
    attend(world)
    _next(world)
    _next(world)
    assert noted_keys.count(NOTED) == 1
